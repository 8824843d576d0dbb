/** Consecutive layers `[firstLayer, endLayer)`. */
export interface LayerSlice {
  readonly firstLayer: number;
  readonly endLayer: number;
}

/** `layers` cut into `stages` consecutive slices whose sizes differ by at most one, larger ones first. */
export function sliceLayers(layers: number, stages: number): readonly LayerSlice[] {
  const small = Math.floor(layers / stages);
  const larger = layers % stages;
  return Array.from({ length: stages }, (_, stage) => {
    const firstLayer = stage * small + Math.min(stage, larger);
    return { firstLayer, endLayer: firstLayer + small + (stage < larger ? 1 : 0) };
  });
}
