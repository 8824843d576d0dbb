/**
 * Pictures as the decoder leaves them, planes `[3, T, H, W]` in [−1, 1], to whole frames of RGB24, row by row. Values are
 * rounded to the nearest of 0 … 255, halves to the even one, as in the reference.
 */
export function toRgb(planes: Float32Array, frames: number, pixelsPerFrame: number): Uint8Array<ArrayBuffer> {
  const rgb = new Uint8ClampedArray(frames * pixelsPerFrame * 3);
  const values = frames * pixelsPerFrame;
  for (let channel = 0; channel < 3; channel++) {
    const plane = channel * values;
    for (let i = 0; i < values; i++) rgb[i * 3 + channel] = ((planes[plane + i] as number) / 2 + 0.5) * 255;
  }
  return new Uint8Array(rgb.buffer);
}
