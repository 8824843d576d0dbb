import type { FilmPrecision } from '#contract/result.ts';

/** Operations a second of a device, as `work.ts` counts them. */
export interface DeviceSpeed {
  readonly layers: number;
  readonly decoder: number;
}

interface Measured {
  /** The card's whole name: others of its kind (NVL, GH200, a slice) have other limits. */
  readonly card: string;
  /** Layers in bfloat16, in 10¹² a second: per width, by the window's tokens. */
  readonly layers: Readonly<Record<number, readonly (readonly [tokens: number, teraflops: number])[]>>;
  /** The video decoder in float32, whole pictures. */
  readonly decoder: number;
}

/** What was measured, on one card each (docs/gpu.md): nothing else is known, and nothing here is a promise. */
const MEASURED: readonly Measured[] = [
  {
    card: 'NVIDIA H200',
    layers: {
      1536: [
        [1560, 289],
        [6240, 426],
        [18720, 505],
      ],
      5120: [
        [1560, 557],
        [6240, 586],
        [18720, 574],
      ],
    },
    // The H200's time was within 6 % of the H100's, which is written down: 13.55 · 10¹² operations in 421 ms.
    decoder: 32,
  },
];

const TERA = 1e12;
/** A GPU of which nothing is known counts as the one that was measured when only the proportion of the two matters. */
const USUAL_LAYERS_PER_DECODER = 505 / 32;
/** The decoder takes so many times as long in float16 as in float32 (docs/gpu.md). */
const HALF_PRECISION_DECODER = 684 / 421;

/**
 * The measured speed of cards, which must all be of one kind, for a model's layers in bfloat16; undefined where that was not measured,
 * or another type is asked for. `cards`: the whole card behind each device, undefined for what is none.
 */
export function measuredSpeed(
  cards: readonly (string | undefined)[],
  { type, width, tokens }: { readonly type: string; readonly width: number; readonly tokens: number },
): DeviceSpeed | undefined {
  const points = MEASURED.find(({ card }) => cards.every((each) => each === card));
  const layers = type === 'bfloat16' ? points?.layers[width] : undefined;
  if (points === undefined || layers === undefined) return undefined;
  const nearest = layers.toSorted(([a], [b]) => Math.abs(a - tokens) - Math.abs(b - tokens))[0]!;
  return { layers: nearest[1] * TERA, decoder: points.decoder * TERA };
}

/**
 * How much longer a GPU takes for an operation of the decoder than for one of a layer. With float32 in both they are alike, as far as
 * anybody knows; the proportion of other formats is the measured one.
 */
export function decoderSlowness({ sampling, decoding }: FilmPrecision): number {
  const inFloat32 = sampling === 'float32' ? 1 : USUAL_LAYERS_PER_DECODER;
  return decoding === 'float16' ? HALF_PRECISION_DECODER * inFloat32 : inFloat32;
}
