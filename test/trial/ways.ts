/** A way to make a film. `chunks` are short films of their own, one after the other; `blocks` is DualParal. */
export type Way =
  | { readonly kind: 'plain' | 'chunks'; readonly name: string }
  | {
      readonly kind: 'blocks';
      readonly name: string;
      readonly blockLatents: number;
      readonly contextLatents: number;
      /** Iterations between two blocks; 1 is the paper. */
      readonly stride: number;
      readonly leftContext?: 'recompute' | 'reuse';
      /** Sampling of its own, where it differs from the trial's. */
      readonly sampling?: {
        readonly steps: number;
        readonly flowShift: number;
        readonly guidanceScale?: number;
        readonly guidanceInterval?: { readonly low: number; readonly high: number };
      };
      /** All blocks draw from one pool; else each has noise of its own. */
      readonly isCoordinated: boolean;
    };

/** Frames that the model makes at once: 21 latents, as in training. */
export const PLAIN_FRAMES = 81;
/** The default of a job. */
const BLOCK_LATENTS = 8;

const CONTEXTS = [0, 2, 4];

/** Stride and context of the rows about the stride. */
const STRIDES = [
  [1, 4],
  [2, 4],
  [3, 4],
  [4, 4],
  [1, 2],
  [3, 2],
] as const;

/** Settings of long films with the tiny model: block, steps, shift. */
const SETTINGS = [
  { name: 'blocks of 4, 12 steps, shift 1.5', blockLatents: 4, sampling: { steps: 12, flowShift: 1.5 } },
  { name: 'blocks of 8, 12 steps, shift 1.5', blockLatents: 8, sampling: { steps: 12, flowShift: 1.5 } },
  { name: 'blocks of 8, 30 steps, shift 3', blockLatents: 8, sampling: { steps: 30, flowShift: 3 } },
] as const;

/** Short films and the contexts, sampled as the trial says. */
const CONTEXT_WAYS: readonly Way[] = [
  { kind: 'plain', name: 'plain short run' },
  { kind: 'chunks', name: 'naive chunks' },
  ...CONTEXTS.flatMap((contextLatents) =>
    [false, true].map((isCoordinated) => ({
      kind: 'blocks' as const,
      name: `DualParal, c = ${contextLatents}, ${isCoordinated ? 'coordinated' : 'independent'} noise`,
      blockLatents: BLOCK_LATENTS,
      contextLatents,
      stride: 1,
      isCoordinated,
    })),
  ),
];

const STRIDE_WAYS: readonly Way[] = SETTINGS.flatMap(({ name, ...setting }) =>
  STRIDES.map(([stride, contextLatents]) => ({
    kind: 'blocks' as const,
    name: `${name}, c = ${contextLatents}, s = ${stride}`,
    ...setting,
    contextLatents,
    stride,
    isCoordinated: true,
  })),
);

/** The faster variants beside what they are variants of. */
const VARIANT_WAYS: readonly Way[] = [
  ...SETTINGS.flatMap(({ name, ...setting }) =>
    [1, 2, 3].map((stride) => ({
      kind: 'blocks' as const,
      name: `${name}, s = ${stride}, left context used again`,
      ...setting,
      contextLatents: 4,
      stride,
      leftContext: 'reuse' as const,
      isCoordinated: true,
    })),
  ),
  ...[undefined, { low: 0.25, high: 1 }, { low: 0, high: 0.75 }, { low: 0.25, high: 0.75 }].map((interval) => ({
    kind: 'blocks' as const,
    name: `blocks of 8, 12 steps, s = 3, guidance 2 ${interval === undefined ? 'everywhere' : `from ${interval.low} to ${interval.high}`}`,
    blockLatents: 8,
    contextLatents: 4,
    stride: 3,
    sampling: { steps: 12, flowShift: 1.5, guidanceScale: 2, ...(interval && { guidanceInterval: interval }) },
    isCoordinated: true,
  })),
];

/** The tables of docs/trial.md by their names, each with the ways that it compares, in order. */
export const TABLES: Readonly<Record<string, readonly Way[]>> = {
  contexts: CONTEXT_WAYS,
  strides: STRIDE_WAYS,
  variants: VARIANT_WAYS,
};
