/** A way to make a film. `chunks` are short films of their own, one after the other; `blocks` is DualParal. */
export type Way =
  | { readonly kind: 'plain' | 'chunks'; readonly name: string }
  | {
      readonly kind: 'blocks';
      readonly name: string;
      readonly blockLatents: number;
      readonly contextLatents: number;
      /** All blocks draw from one pool; else each has noise of its own. */
      readonly isCoordinated: boolean;
    };

/** Frames that the model makes at once: 21 latents, as in training. */
export const PLAIN_FRAMES = 81;
/** The default of a job. */
const BLOCK_LATENTS = 8;

const CONTEXTS = [0, 2, 4];

/** The ways that are compared, in the order of the table. */
export const WAYS: readonly Way[] = [
  { kind: 'plain', name: 'plain short run' },
  { kind: 'chunks', name: 'naive chunks' },
  ...CONTEXTS.flatMap((contextLatents) =>
    [false, true].map((isCoordinated) => ({
      kind: 'blocks' as const,
      name: `DualParal, c = ${contextLatents}, ${isCoordinated ? 'coordinated' : 'independent'} noise`,
      blockLatents: BLOCK_LATENTS,
      contextLatents,
      isCoordinated,
    })),
  ),
];
