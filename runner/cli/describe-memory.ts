import type { MemoryPlan } from '../memory-plan.ts';
import { sum } from '../plan/session-memory.ts';

/** Lines about a film's memory: in all, and by what takes it. */
export function describeMemory(memory: MemoryPlan): readonly string[] {
  const { kind, processBytes, mappedBytes, host, text, stages, decoders } = memory;
  const together = (of: (stage: MemoryPlan['stages'][number]) => number) => sum(stages.map(of));
  const decoding = (of: (part: MemoryPlan['decoders'][number]) => number) => sum(decoders.map(of));
  const parts: readonly (readonly [string, number])[] = [
    ['program', host.base + host.threads],
    ['weights', together(({ weights }) => weights)],
    ['prompt', together(({ prompt }) => prompt)],
    ['kept keys and values', together(({ featureCache, leftCache }) => featureCache + leftCache)],
    ['hidden states', together(({ hidden }) => hidden)],
    ['layers at work', together(({ working, starting, loading }) => Math.max(working, starting, loading))],
    ['blocks', host.blocks + host.tables],
    ['decoder', decoding(({ weights, working, first }) => weights + Math.max(working, first))],
    ['between its parts', decoding(({ hidden }) => hidden)],
    ['decoder’s states', decoding(({ states, carried }) => states + carried)],
    ['pictures', decoding(({ pictures }) => pictures)],
  ];
  const mapped = mappedBytes > 0 ? `, and ${megabytes(mappedBytes)} of files where they lie` : '';
  // The plan was held to a process's peak on the processor alone (docs/devices.md).
  const amount =
    kind === 'cpu'
      ? `at most ${megabytes(processBytes)}`
      : `about ${megabytes(processBytes)} on the host, devices aside, by the plan`;
  const shown = parts.filter(([, bytes]) => bytes >= 5e4).map(([name, bytes]) => `${name} ${megabytes(bytes)}`);
  return [
    `  memory: ${amount}${mapped}`,
    `    ${shown.join(', ')}`,
    `    before that, reading the text: ${megabytes(text.weights + text.working)}`,
  ];
}

/** Bytes as the plan writes them. */
export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
