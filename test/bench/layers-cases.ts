import { parseTransformerConfig } from '../../runner/model/component-configs.ts';
import type { TransformerConfig } from '../../runner/model/config.ts';
import { CONFIGS } from '../full-size/published-configs.ts';
import type { BenchRequest } from './bench.ts';

/** Widths that are timed: the tiny model's and the published ones'. */
export const WIDTHS = ['tiny', '1.3B', '14B'] as const;
export type Width = (typeof WIDTHS)[number];

/** What is timed. */
export interface LayersCase {
  readonly name: string;
  readonly width: Width;
  readonly config: TransformerConfig;
  readonly layers: number;
  readonly tokens: number;
  /** A block-step: embedded latents, layers that use a right neighbour's keys and values, the prediction; else a layer alone. */
  readonly ends: boolean;
}

/** What is wanted: times as fast as PyTorch, and share of the better library's best product. */
export interface Wanted {
  readonly speed?: number;
  readonly share?: number;
}

const SMALL = parseTransformerConfig(CONFIGS['Wan2.1-T2V-1.3B']['transformer/config.json']);
const LARGE = parseTransformerConfig(CONFIGS['Wan2.1-T2V-14B']['transformer/config.json']);
const TINY: TransformerConfig = { ...SMALL, heads: 4, headWidth: 32, width: 128, feedForwardWidth: 384 };
const CONFIG_OF = { tiny: TINY, '1.3B': SMALL, '14B': LARGE } as const;

/** Where `--tokens` does not say: on two cores the longest takes minutes a run at 1.3B, and a quarter of an hour at 14B. */
const TOKENS: Readonly<Record<BenchRequest['device'], Readonly<Record<Width, readonly number[]>>>> = {
  cpu: { tiny: [432], '1.3B': [1560, 6240], '14B': [1560] },
  cuda: { tiny: [432], '1.3B': [1560, 6240, 18_720], '14B': [1560, 6240, 18_720] },
};
const LAYERS_OF_BLOCK_STEP = 2;

const CPU_SPEED = 1.8;
/** By tokens, at 1.3B width. */
const CPU_SHARES: Readonly<Record<number, number>> = { 1560: 0.85, 6240: 0.7 };
const CUDA_SPEED = 1;
/** Of a block-step at the length of a 480p window. */
const CUDA_SHARES: Readonly<Partial<Record<Width, number>>> = { '1.3B': 0.55, '14B': 0.66 };
const WINDOW_480P = 18_720;

/** The cases of a request, shortest first. */
export function layersCases({ device, tokens, widths }: BenchRequest): readonly LayersCase[] {
  return WIDTHS.filter((width) => widths?.includes(width) ?? true).flatMap((width) =>
    (tokens ?? TOKENS[device][width]).flatMap((count): readonly LayersCase[] => {
      const common = { width, config: CONFIG_OF[width], tokens: count };
      const steps = `${width} width, block-step of ${LAYERS_OF_BLOCK_STEP} layers`;
      return [
        { ...common, name: `${width} width, layer`, layers: 1, ends: false },
        { ...common, name: steps, layers: LAYERS_OF_BLOCK_STEP, ends: true },
      ];
    }),
  );
}

/** What is wanted of a case on a device; nothing at a width or length that no figure is named for. */
export function wantedOf({ width, tokens, ends }: LayersCase, device: BenchRequest['device']): Wanted {
  if (device === 'cuda') {
    if (width === 'tiny') return {};
    const share = ends && tokens === WINDOW_480P ? CUDA_SHARES[width] : undefined;
    return { speed: CUDA_SPEED, ...(share === undefined ? {} : { share }) };
  }
  if (width !== '1.3B') return {};
  const share = CPU_SHARES[tokens];
  return { speed: CPU_SPEED, ...(share === undefined ? {} : { share }) };
}
