/** Consecutive layers `[firstLayer, endLayer)`. */
export interface LayerSlice {
  readonly firstLayer: number;
  readonly endLayer: number;
}

/** What a cut costs that no cut avoids: less than this share of the slowest stage's time is not worth uneven slices. */
const WORTH = 0.01;

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
  const sizes = besides.map(() => 1);
  for (let left = layers - sizes.length; left > 0; left--) sizes[leastBusy(sizes, besides)]!++;
  const balanced = slicesOf(sizes);
  return paceOf(balanced, besides) < (1 - WORTH) * paceOf(even, besides) ? balanced : even;
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
