import { own } from '../ort/lifetime.ts';
import { createSession, type Session } from '../ort/session.ts';
import type { StageTask } from './stage-task.ts';

/**
 * Loads a graph of an expert on the stage's device; `label` is for errors. Weights are prepacked (the default on the CPU):
 * only then does no sum depend on the number of threads, which differs with the number of stages.
 */
export function loadGraph(
  task: StageTask,
  expert: number,
  graph: Uint8Array,
  label: string,
  stack: DisposableStack,
): Session {
  const { device, intraOpThreads } = task;
  const weightsFolder = task.experts[expert]!.folder;
  return own(stack, createSession(graph, { device, weightsFolder, label, intraOpThreads }));
}
