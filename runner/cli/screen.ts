import type { Progress } from '#contract/progress.ts';
import type { Lane } from '../report/tracker.ts';
import { fitColumns, printable } from './printable.ts';

/** Everything the live view draws. `steps` is the denoising steps of each block. */
export interface ScreenState {
  readonly title: string;
  readonly progress: Progress;
  readonly lanes: readonly Lane[];
  readonly steps: number;
}

const BAR_CELLS = 24;
/** From pure noise to clean. */
const NOISE_SHADES = ['█', '▓', '▒', '░', '·'] as const;

/**
 * The live view as lines of text: a bar, one lane per stage, and the staircase of noise levels, in which neighbouring blocks
 * are one step apart (docs/dualparal.md#block-wise-denoising).
 */
export function renderScreen(state: ScreenState, columns: number): string {
  const lines = [state.title, headline(state.progress), ...stageLines(state), ...staircaseLines(state)];
  for (const warning of state.progress.warnings ?? []) lines.push(`! ${warning}`);
  return lines.map((line) => fitColumns(printable(line), Math.max(20, columns - 1))).join('\n');
}

/** One line for logs and pipes: what a person reads when there is no terminal to redraw. */
export function headline(progress: Progress): string {
  const { phase, percent, blockSteps, blockStepsTotal, framesReady, framesTotal } = progress;
  const counts = blockStepsTotal === 0 ? '' : ` block-steps ${blockSteps}/${blockStepsTotal}`;
  const frames = framesTotal === 0 ? '' : `, frames ${framesReady}/${framesTotal}`;
  const rate = progress.blockStepsPerSecond === undefined ? '' : `, ${progress.blockStepsPerSecond} steps/s`;
  const eta = progress.etaSeconds === undefined ? '' : `, ${formatSeconds(progress.etaSeconds)} left`;
  return `${phase.padEnd(10)} ${bar(percent / 100)} ${percent.toFixed(1).padStart(5)} %${counts}${frames}${rate}${eta}`;
}

/** `75` → `1m15s`. */
export function formatSeconds(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole}s`;
  const minutes = Math.floor(whole / 60);
  return minutes < 60 ? `${minutes}m${whole % 60}s` : `${Math.floor(minutes / 60)}h${minutes % 60}m`;
}

/** A stage's layers, as people count them: `layer 3`, `layers 0–2`. */
export function layersOf({ firstLayer, endLayer }: { firstLayer: number; endLayer: number }): string {
  return endLayer - firstLayer === 1 ? `layer ${firstLayer}` : `layers ${firstLayer}–${endLayer - 1}`;
}

function bar(share: number): string {
  const full = Math.round(Math.min(1, Math.max(0, share)) * BAR_CELLS);
  return '━'.repeat(full) + '─'.repeat(BAR_CELLS - full);
}

function stageLines({ lanes, progress }: ScreenState): readonly string[] {
  return lanes.map((lane, stage) => {
    const layers = progress.plan?.stages[stage];
    const name = layers === undefined ? '' : layersOf(layers);
    const doing = lane.block === undefined ? 'waits' : `block ${lane.block}`;
    return `  stage ${stage} ${name.padEnd(13)} ${bar(lane.itemsDone / Math.max(1, lane.itemsTotal))} ${doing}`;
  });
}

function staircaseLines({ progress, steps }: ScreenState): readonly string[] {
  if (progress.blocks === 0 || progress.phase === 'Planning') return [];
  const { stride = 1 } = progress.plan ?? {};
  const cells: string[] = [];
  for (let block = 0; block < progress.blocks; block++) cells.push(shade(progress.iteration - stride * block, steps));
  return [`  noise  ${cells.join('')}  one cell per block, from noise █ to clean ·`];
}

/** Cell of a block that has made `done` of its `steps`: blank before it starts, ✓ once it is finished. */
function shade(done: number, steps: number): string {
  if (done < 0) return ' ';
  if (done >= steps) return '✓';
  return NOISE_SHADES[Math.floor((done / steps) * NOISE_SHADES.length)] ?? '·';
}
