import type { JobSpec } from '#contract/job-spec.ts';

/** A change of a specification that takes less memory, in words. */
export interface Remedy {
  readonly text: string;
  readonly spec: JobSpec;
}

/** Changes of one kind, from the least to the most; `isLast`: worth saying only where nothing before it fits. */
export interface RemedyGroup {
  readonly isLast: boolean;
  readonly remedies: readonly Remedy[];
}

/** What stages and decoder are computed on: GPUs, over at most so many of which the film can be spread, or the processor. */
export type Place = { readonly kind: 'cuda'; readonly mostStages: number } | { readonly kind: 'cpu' };

/** A latent is 8 × 8 pixels, a token 2 × 2 latents. */
const PIXELS_PER_TOKEN = 16;
const SCALES = [3 / 4, 1 / 2, 3 / 8, 1 / 4, 1 / 8];

/**
 * Changes that may let a film fit, in groups: of each group the first that fits is worth saying. From what costs least (on the processor
 * fewer stages, which make the same film; tiles) to what costs most (a smaller picture).
 */
export function remediesOf(spec: JobSpec, place: Place): readonly RemedyGroup[] {
  const tiled = withTiles(spec);
  const alone =
    place.kind === 'cpu'
      ? [withFewerStages(spec), tiled, withBlocks(spec)]
      : [tiled, withHalfDecoder(spec), withMoreStages(spec, place.mostStages), withBlocks(spec)];
  const last = [
    tiled.flatMap((one) => both(one, withBlocks)),
    withPicture(spec),
    tiled.flatMap((one) => both(one, withPicture)),
  ];
  return [
    ...alone.map((remedies) => ({ remedies, isLast: false })),
    ...last.map((remedies) => ({ remedies, isLast: true })),
  ];
}

/** What is worth saying: of each group the first that fits. */
export function fitting(groups: readonly RemedyGroup[], fits: (spec: JobSpec) => boolean): readonly string[] {
  const found: string[] = [];
  for (const { isLast, remedies } of groups) {
    if (isLast && found.length > 0) continue;
    const first = remedies.find(({ spec }) => fits(spec));
    if (first !== undefined) found.push(first.text);
  }
  return found;
}

function both(first: Remedy, then: (spec: JobSpec) => readonly Remedy[]): readonly Remedy[] {
  return then(first.spec).map(({ text, spec }) => ({ text: `${first.text} and ${text}`, spec }));
}

function withTiles(spec: JobSpec): readonly Remedy[] {
  if (spec.decoding.tiling) return [];
  return [{ text: 'decoding.tiling: true', spec: { ...spec, decoding: { ...spec.decoding, tiling: true } } }];
}

/** A decoder in float16 takes less of a GPU; on the processor it takes no less. */
function withHalfDecoder(spec: JobSpec): readonly Remedy[] {
  if (spec.decoding.precision === 'float16') return [];
  const decoding = { ...spec.decoding, precision: 'float16' } as const;
  return [{ text: 'decoding.precision: float16', spec: { ...spec, decoding } }];
}

/** Each stage brings memory of its own: as few more as will do. */
function withMoreStages(spec: JobSpec, most: number): readonly Remedy[] {
  const { gpus } = spec.parallelism;
  return withStages(
    spec,
    Array.from({ length: Math.max(0, most - gpus) }, (_, more) => gpus + 1 + more),
  );
}

/** On the processor each stage takes memory of its own: as few less as will do. */
function withFewerStages(spec: JobSpec): readonly Remedy[] {
  const { gpus } = spec.parallelism;
  return withStages(
    spec,
    Array.from({ length: gpus - 1 }, (_, less) => gpus - 1 - less),
  );
}

function withStages(spec: JobSpec, counts: readonly number[]): readonly Remedy[] {
  const { minGpus, ...parallelism } = spec.parallelism;
  return counts.map((gpus) => {
    const least = minGpus === undefined ? {} : { minGpus: Math.min(minGpus, gpus) };
    const also = minGpus !== undefined && minGpus > gpus ? ` and minGpus: ${gpus}` : '';
    return {
      text: `parallelism.gpus: ${gpus}${also}`,
      spec: { ...spec, parallelism: { ...parallelism, gpus, ...least } },
    };
  });
}

function withBlocks(spec: JobSpec): readonly Remedy[] {
  const { parallelism } = spec;
  const sizes: number[] = [];
  for (let size = Math.floor(parallelism.blockLatents / 2); size >= 1; size = Math.floor(size / 2)) sizes.push(size);
  return sizes.map((blockLatents) => {
    const contextLatents = Math.min(parallelism.contextLatents, blockLatents);
    const context = contextLatents < parallelism.contextLatents ? ` and contextLatents: ${contextLatents}` : '';
    return {
      text: `parallelism.blockLatents: ${blockLatents}${context}`,
      spec: { ...spec, parallelism: { ...parallelism, blockLatents, contextLatents } },
    };
  });
}

function withPicture(spec: JobSpec): readonly Remedy[] {
  const scaled = (length: number, scale: number) =>
    Math.max(PIXELS_PER_TOKEN, Math.floor((length * scale) / PIXELS_PER_TOKEN) * PIXELS_PER_TOKEN);
  return SCALES.map((scale) => {
    const size = { ...spec.size, width: scaled(spec.size.width, scale), height: scaled(spec.size.height, scale) };
    return { text: `a size of ${size.width}×${size.height}`, spec: { ...spec, size } };
  });
}
