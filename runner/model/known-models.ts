import type { ModelConfig, TransformerConfig } from './config.ts';

/** Sizes that tell published transformers apart. */
type Sizes = Pick<TransformerConfig, 'layers' | 'heads' | 'headWidth' | 'feedForwardWidth'>;

const SMALL: Sizes = { layers: 30, heads: 12, headWidth: 128, feedForwardWidth: 8960 };
const LARGE: Sizes = { layers: 40, heads: 40, headWidth: 128, feedForwardWidth: 13_824 };

/** Name of the published model that has these sizes (docs/wan.md#sizes); null for any other Wan text-to-video model. */
export function publishedName({ transformer, transformer2 }: ModelConfig): string | null {
  if (hasSizes(transformer, SMALL) && transformer2 === null) return 'Wan2.1-T2V-1.3B';
  if (!hasSizes(transformer, LARGE)) return null;
  return transformer2 === null ? 'Wan2.1-T2V-14B' : 'Wan2.2-T2V-A14B';
}

function hasSizes(config: TransformerConfig, sizes: Sizes): boolean {
  return (Object.keys(sizes) as (keyof Sizes)[]).every((field) => config[field] === sizes[field]);
}
