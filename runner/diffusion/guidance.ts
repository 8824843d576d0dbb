/** True where the scale asks for a second, unconditional branch. */
export function isGuided(scale: number): boolean {
  return scale > 1;
}

/**
 * One prediction from the branches: `unconditional + scale · (conditional − unconditional)`; the conditional one alone where
 * the scale is 1 or less. Velocities are `[C, F, h, w]` over all latents that the model saw; `out` receives the last ones only,
 * `[C, own, h, w]`, since the context's part is thrown away.
 */
export function guide(
  conditional: Float32Array,
  unconditional: Float32Array | null,
  scale: number,
  own: { readonly channels: number; readonly skip: number; readonly count: number },
  out: Float32Array,
): void {
  const { channels, skip, count } = own;
  for (let channel = 0; channel < channels; channel++) {
    const from = channel * (skip + count) + skip;
    const to = channel * count;
    if (unconditional === null || !isGuided(scale)) {
      for (let index = 0; index < count; index++) out[to + index] = conditional[from + index]!;
    } else {
      for (let index = 0; index < count; index++) {
        const base = unconditional[from + index]!;
        out[to + index] = base + scale * (conditional[from + index]! - base);
      }
    }
  }
}
