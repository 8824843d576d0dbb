import { createSampler } from '../diffusion/sampler.ts';
import { timeSinusoid } from '../model/rotary.ts';
import { createBinding } from '../ort/binding.ts';
import { own } from '../ort/lifetime.ts';
import { hostValue } from '../ort/value.ts';
import { modulationOf, promptOf } from './layout.ts';
import { loadGraph } from './load.ts';
import type { StageTask } from './stage-task.ts';

/**
 * Fills the shared tables, once per run: the modulation of every step by the expert that makes it, and every prompt as each
 * expert's cross-attention sees it. Its graphs and their weights are dropped afterwards.
 */
export function fillConditions(task: StageTask): void {
  for (const expert of task.experts.keys()) {
    fillModulation(task, expert);
    fillPrompts(task, expert);
  }
}

function fillModulation(task: StageTask, expert: number): void {
  const { width: D, timeWidth } = task.transformer;
  const { timesteps } = createSampler(task.plan.sampling).levels;
  const steps = [...task.schedule.expertOfStep.keys()].filter((step) => task.schedule.expertOfStep[step] === expert);
  if (steps.length === 0) return;
  const sinusoid = new Float32Array(steps.length * timeWidth);
  const temb = new Float32Array(steps.length * D);
  const tproj = new Float32Array(steps.length * 6 * D);
  for (const [row, step] of steps.entries()) {
    sinusoid.set(timeSinusoid(timesteps[step]!, timeWidth), row * timeWidth);
  }
  runTask(task, expert, 'time', (stack, binding) => {
    const bound = (data: Float32Array, ...shape: number[]) => own(stack, hostValue(data, 'F32', shape));
    binding.bindInput('sinusoid', bound(sinusoid, steps.length, timeWidth));
    binding.bindOutput('temb', bound(temb, steps.length, D));
    binding.bindOutput('tproj', bound(tproj, steps.length, 6, D));
  });
  for (const [row, step] of steps.entries()) {
    const { head, layers } = modulationOf(task.shared, D, step);
    head.set(temb.subarray(row * D, (row + 1) * D));
    layers.set(tproj.subarray(row * 6 * D, (row + 1) * 6 * D));
  }
}

function fillPrompts(task: StageTask, expert: number): void {
  const { width: D } = task.transformer;
  for (const [branch, text] of task.prompts.entries()) {
    const tokens = text.shape[1]!;
    runTask(task, expert, 'context', (stack, binding) => {
      const out = promptOf(task.shared, task.plan, expert, branch);
      binding.bindInput('text', own(stack, hostValue(text.data, 'F32', text.shape)));
      binding.bindOutput('ctx', own(stack, hostValue(out, task.dtype, [1, tokens, D])));
    });
  }
}

/** Loads one of the entry's graphs, binds it, runs it once, and lets it go; the text encoder's memory goes back to the device with it. */
function runTask(
  task: StageTask,
  expert: number,
  graph: 'time' | 'context',
  bind: (stack: DisposableStack, binding: ReturnType<typeof createBinding>) => void,
): void {
  using stack = new DisposableStack();
  const session = loadGraph(task, expert, task.experts[expert]!.entry![graph], `the ${graph} embedder`, stack);
  const binding = own(stack, createBinding(session));
  bind(stack, binding);
  binding.runAndShrink();
}
