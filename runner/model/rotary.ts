/** Rotary tables: cosines and sines of every token's angles, `[tokens, headWidth / 2]` each. */
export interface RotaryTables {
  readonly cos: Float32Array;
  readonly sin: Float32Array;
}

const BASE = 10_000;

/**
 * Tables for `frames × height × width` tokens at positions from zero, in token order (frame, row, column). The head is
 * split into a part each for time, height and width; computed in float64, then rounded once (docs/wan.md#rotary-positions).
 */
export function rotaryTables(headWidth: number, frames: number, height: number, width: number): RotaryTables {
  const spatial = 2 * Math.floor(headWidth / 6);
  const temporal = headWidth - 2 * spatial;
  const half = headWidth / 2;
  const cos = new Float32Array(frames * height * width * half);
  const sin = new Float32Array(cos.length);
  const axes = [frequencies(temporal), frequencies(spatial), frequencies(spatial)];
  let at = 0;
  for (let frame = 0; frame < frames; frame++) {
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        const position = [frame, row, column];
        for (const [axis, thetas] of axes.entries()) {
          for (const theta of thetas) {
            const angle = position[axis]! * theta;
            cos[at] = Math.cos(angle);
            sin[at] = Math.sin(angle);
            at++;
          }
        }
      }
    }
  }
  return { cos, sin };
}

function frequencies(axisWidth: number): readonly number[] {
  return Array.from({ length: axisWidth / 2 }, (_, pair) => BASE ** ((-2 * pair) / axisWidth));
}

/**
 * The sinusoid `[timeWidth]` of a timestep, cosines first (docs/wan.md#timesteps-and-text). Computed in float64 and rounded once: in
 * float32 the angles of large timesteps would be off by up to 6e-5.
 */
export function timeSinusoid(timestep: number, timeWidth: number): Float32Array {
  const half = timeWidth / 2;
  const sinusoid = new Float32Array(timeWidth);
  for (let k = 0; k < half; k++) {
    const angle = timestep * BASE ** (-k / half);
    sinusoid[k] = Math.cos(angle);
    sinusoid[half + k] = Math.sin(angle);
  }
  return sinusoid;
}
