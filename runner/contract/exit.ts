/**
 * Exit codes of every command, one table: shells, the operator's podFailurePolicy and the documentation read it.
 * `retry` says whether the same input may succeed when tried again without anybody changing anything.
 */
export const EXITS = {
  success: { code: 0, retry: false, meaning: 'the work is done' },
  internal: { code: 1, retry: true, meaning: 'an unexpected failure: please report it' },
  usage: { code: 2, retry: false, meaning: 'the command line is wrong' },
  resume: {
    code: 10,
    retry: true,
    meaning:
      'told to stop, and stopped before the end: started again, it goes on from its checkpoint, or anew where there is none',
  },
  spec: { code: 20, retry: false, meaning: 'the specification asks for something invalid' },
  plan: { code: 30, retry: false, meaning: 'the specification cannot run on these devices' },
  model: { code: 40, retry: false, meaning: 'the model is missing, damaged or not supported' },
  absent: {
    code: 41,
    retry: true,
    meaning:
      'the model, or a file of it, is not there yet or not whole; only what runs in a pod says so, other commands end with 40',
  },
  output: { code: 50, retry: false, meaning: 'the output cannot be written' },
  storage: { code: 51, retry: true, meaning: 'a disk or volume did not answer, of the model or of the output' },
  device: { code: 60, retry: true, meaning: 'a device or its runtime failed' },
  golden: { code: 70, retry: false, meaning: 'a number is outside its bound' },
  interrupted: { code: 130, retry: true, meaning: 'interrupted by the user' },
  ended: {
    code: 143,
    retry: true,
    meaning:
      'told to stop twice, or before it listened for that, and ended at once, with no checkpoint that it knew of',
  },
} as const satisfies Record<string, { code: number; retry: boolean; meaning: string }>;

/** Name of a row of {@link EXITS}. */
export type ExitName = keyof typeof EXITS;

/**
 * Exit codes of a runner that a pod's SIGTERM ended: cleanly, or at once, as before it listens for signals. A stop is nothing that the film
 * did, so the operator counts it as a disruption.
 */
export const STOPPED_EXITS: readonly number[] = [EXITS.resume.code, EXITS.ended.code];
