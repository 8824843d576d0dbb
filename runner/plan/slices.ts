/** Consecutive layers `[firstLayer, endLayer)`. */
export interface LayerSlice {
  readonly firstLayer: number;
  readonly endLayer: number;
}

/** Less than this share of the slowest stage's time is worth neither uneven slices nor one more part of the decoder. */
export const WORTH = 0.01;

/** `layers` cut into `stages` consecutive slices whose sizes differ by at most one, larger ones first. */
export function sliceLayers(layers: number, stages: number): readonly LayerSlice[] {
  const small = Math.floor(layers / stages);
  const larger = layers % stages;
  return slicesOf(Array.from({ length: stages }, (_, stage) => small + (stage < larger ? 1 : 0)));
}

/**
 * Slices whose slowest stage is as fast as it can be. `besides` is what each stage does besides its layers, in the time of one layer.
 * Every stage has a layer at least; sizes are those of {@link sliceLayers} where others would gain next to nothing.
 */
export function balanceLayers(layers: number, besides: readonly number[]): readonly LayerSlice[] {
  const even = sliceLayers(layers, besides.length);
  const balanced = fastestSlices(layers, besides);
  return paceOf(balanced, besides) < (1 - WORTH) * paceOf(even, besides) ? balanced : even;
}

/** Slices whose slowest stage is as fast as it can be, however little that gains. */
export function fastestSlices(layers: number, besides: readonly number[]): readonly LayerSlice[] {
  const sizes = besides.map(() => 1);
  for (let left = layers - sizes.length; left > 0; left--) sizes[leastBusy(sizes, besides)]!++;
  return slicesOf(sizes);
}

/** The slowest stage's time for an item, in the time of one layer. */
export function paceOf(slices: readonly LayerSlice[], besides: readonly number[]): number {
  return Math.max(...stageTimes(slices, besides));
}

/** Every stage's time for an item, in the time of one layer. */
export function stageTimes(slices: readonly LayerSlice[], besides: readonly number[]): readonly number[] {
  return slices.map(({ firstLayer, endLayer }, stage) => endLayer - firstLayer + besides[stage]!);
}

function leastBusy(sizes: readonly number[], besides: readonly number[]): number {
  const times = sizes.map((size, stage) => size + besides[stage]!);
  return times.indexOf(Math.min(...times));
}

function slicesOf(sizes: readonly number[]): readonly LayerSlice[] {
  let firstLayer = 0;
  return sizes.map((size) => {
    const slice = { firstLayer, endLayer: firstLayer + size };
    firstLayer = slice.endLayer;
    return slice;
  });
}
