/**
 * `torch.randn` in float32 as PyTorch's builds for x86-64 processors with AVX2 compute it, bit for bit: Box–Muller over groups
 * of sixteen, with the polynomials of the Cephes library for logarithm, sine and cosine. That the compiler fused products and
 * sums is part of the numbers: {@link fused} stands where the build has one rounding, `fround` where it has two.
 *
 * Other builds (ARM, or AVX2 switched off) take the logarithm and the cosine of the system's C library instead: their numbers
 * differ in the last bits. Fewer than sixteen numbers are drawn in another way, in float64 and with that library; they are not
 * offered here, because its roundings cannot be promised.
 */

import { type Generator, torchUniform } from './torch-random.ts';

/** Numbers that are drawn together. */
export const TORCH_GROUP = 16;
const HALF_GROUP = TORCH_GROUP / 2;
const { fround } = Math;
const TWO_PI = fround(2 * Math.PI);
const FOUR_OVER_PI = fround(4 / Math.PI);
const SQRT_HALF = fround(Math.SQRT1_2);

// Coefficients as they stand in Cephes, highest power first.
const LOG = [
  7.0376836292e-2, -1.151461031e-1, 1.167699874e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1,
  2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
].map(fround);
const SINE = [-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1].map(fround);
const COSINE = [2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2].map(fround);
/** ln 2 and π / 4 in parts, so that subtracting their multiples loses little. */
const LN_2 = [0.693359375, fround(-2.1219444e-4)] as const;
const QUARTER_PI = [0.78515625, 2.4187564849853516e-4, 3.774894977445941e-8].map(fround);

/** `torch.randn(out.length, generator=generator)`; at least {@link TORCH_GROUP} numbers. */
export function fillTorchNormals(out: Float32Array, generator: Generator): void {
  for (let index = 0; index < out.length; index++) out[index] = torchUniform(generator);
  for (let first = 0; first + TORCH_GROUP <= out.length; first += TORCH_GROUP) transformGroup(out, first);
  if (out.length % TORCH_GROUP === 0) return;
  const last = out.length - TORCH_GROUP;
  for (let index = last; index < out.length; index++) out[index] = torchUniform(generator);
  transformGroup(out, last);
}

/** Turns sixteen uniform numbers into normal ones: the first eight give the radii, the last eight the angles. */
function transformGroup(out: Float32Array, first: number): void {
  for (let index = first; index < first + HALF_GROUP; index++) {
    const radius = fround(Math.sqrt(fround(-2 * log(fround(1 - out[index]!)))));
    const angle = fround(TWO_PI * out[index + HALF_GROUP]!);
    const turn = quarterTurn(angle);
    // Adding the mean, zero, turns −0 into 0.
    out[index] = fround(radius * cosine(turn)) + 0;
    out[index + HALF_GROUP] = fround(radius * sine(turn)) + 0;
  }
}

const float = new Float32Array(1);
const word = new Uint32Array(float.buffer);

/** ln of a normal float32 number above 0. */
function log(value: number): number {
  float[0] = value;
  let exponent = (word[0]! >>> 23) - 126;
  word[0] = (word[0]! & 0x7fffff) | 0x3f000000;
  const mantissa = float[0]!;
  const isSmall = mantissa < SQRT_HALF;
  if (isSmall) exponent--;
  const x = isSmall ? fround(fround(mantissa - 1) + mantissa) : fround(mantissa - 1);
  const square = fround(x * x);
  const cubic = fround(polynomial(LOG, x) * x);
  const y = fround(fused(cubic, square, fround(exponent * LN_2[1])) - square / 2);
  return fround(fround(x + y) + exponent * LN_2[0]);
}

/** An angle ≥ 0 as its distance from the nearest even multiple of π / 4, the sine and cosine there, and which multiple it is. */
interface Turn {
  readonly multiple: number;
  readonly sine: number;
  readonly cosine: number;
}

function quarterTurn(angle: number): Turn {
  const multiple = (Math.trunc(fround(angle * FOUR_OVER_PI)) + 1) & ~1;
  const x = QUARTER_PI.reduce((rest, part) => fused(multiple, -part, rest), angle);
  const square = fround(x * x);
  const quartic = fround(polynomial(COSINE, square) * square);
  return {
    multiple,
    sine: fused(fround(polynomial(SINE, square) * square), x, x),
    cosine: fround(fused(quartic, square, -square / 2) + 1),
  };
}

/** Even multiples of π / 4 are multiples of π / 2: odd ones of those change sine for cosine. */
function sine({ multiple, sine: near, cosine: far }: Turn): number {
  const value = multiple & 2 ? far : near;
  return multiple & 4 ? -value : value;
}

function cosine({ multiple, sine: far, cosine: near }: Turn): number {
  const value = multiple & 2 ? far : near;
  return (multiple + 2) & 4 ? -value : value;
}

function polynomial(coefficients: readonly number[], x: number): number {
  let sum = coefficients[0]!;
  for (let index = 1; index < coefficients.length; index++) sum = fused(sum, x, coefficients[index]!);
  return sum;
}

const double = new Float64Array(1);
const halves = new Uint32Array(double.buffer);
/** Bits of a float64 that a float32 lacks, and what they are halfway between two float32 numbers. */
const LOST_BITS = 0x1fffffff;
const HALFWAY = 0x10000000;

/** `a · b + c` of float32 numbers with one rounding; the result must be a normal float32 number or 0. */
export function fused(a: number, b: number, c: number): number {
  const product = a * b; // exact: 48 bits
  const sum = product + c;
  const rounded = fround(sum);
  double[0] = sum;
  if ((halves[0]! & LOST_BITS) !== HALFWAY) return rounded;
  // Rounding to float64 met the middle of two float32 numbers: what it dropped decides.
  const added = sum - product;
  const dropped = product - (sum - added) + (c - added);
  if (dropped === 0) return rounded;
  const other = 2 * sum - rounded;
  return dropped > 0 ? Math.max(rounded, other) : Math.min(rounded, other);
}
