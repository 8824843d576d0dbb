/**
 * Purpose of this folder: the sampler's arithmetic and its randomness, pure over explicit state.
 * No I/O, no clock, no thread; hot functions write in place and allocate nothing.
 *
 * This file: counter-based random numbers (Philox4x32-10, Salmon et al. 2011). A number depends on the seed and on its own
 * place only, never on what was drawn before, and on IEEE arithmetic only, never on a platform's log or cosine.
 */

const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
const WEYL_0 = 0x9e3779b9;
const WEYL_1 = 0xbb67ae85;
const ROUNDS = 10;
const TWO_32 = 2 ** 32;

/** Kinds of numbers that one seed gives; each has counters of its own. */
export const STREAMS = { noise: 0, permutation: 1 } as const;
type Stream = (typeof STREAMS)[keyof typeof STREAMS];

/** Encrypts the four 32-bit words of `block` in place under a 64-bit key. */
export function philox(block: Uint32Array, key0: number, key1: number): void {
  let [c0, c1, c2, c3] = block as unknown as [number, number, number, number];
  for (let round = 0; round < ROUNDS; round++) {
    const k0 = (key0 + Math.imul(round, WEYL_0)) >>> 0;
    const k1 = (key1 + Math.imul(round, WEYL_1)) >>> 0;
    const high0 = highWord(MULTIPLIER_0, c0);
    const high1 = highWord(MULTIPLIER_1, c2);
    const low0 = Math.imul(MULTIPLIER_0, c0) >>> 0;
    const low1 = Math.imul(MULTIPLIER_1, c2) >>> 0;
    c0 = (high1 ^ c1 ^ k0) >>> 0;
    c1 = low1;
    c2 = (high0 ^ c3 ^ k1) >>> 0;
    c3 = low0;
  }
  block[0] = c0;
  block[1] = c1;
  block[2] = c2;
  block[3] = c3;
}

/** Upper 32 bits of the product of two 32-bit numbers, exact in doubles. */
function highWord(a: number, b: number): number {
  const aHigh = a >>> 16;
  const aLow = a & 0xffff;
  const bHigh = b >>> 16;
  const bLow = b & 0xffff;
  const middle = aHigh * bLow + Math.floor((aLow * bLow) / 65536);
  const middleLow = aLow * bHigh + (middle % 65536);
  return aHigh * bHigh + Math.floor(middle / 65536) + Math.floor(middleLow / 65536);
}

/** Fills `out` with independent standard normal numbers: those of `seed`, `stream` and `index`. */
export function fillNormals(out: Float32Array, seed: number, stream: Stream, index: number): void {
  const words = new Uint32Array(4);
  for (let first = 0; first < out.length; first += 4) {
    fillWords(words, seed, stream, index, first / 4);
    const end = Math.min(4, out.length - first);
    for (let word = 0; word < end; word++) out[first + word] = normalQuantile((words[word]! + 0.5) / TWO_32);
  }
}

/** A random order of 0 … length − 1 (Fisher–Yates over unbiased whole numbers): that of `seed`, `stream` and `index`. */
export function randomOrder(length: number, seed: number, stream: Stream, index: number): Int32Array {
  const order = Int32Array.from({ length }, (_, position) => position);
  const words = new Uint32Array(4);
  let counter = 0;
  const below = (limit: number): number => {
    const fair = TWO_32 - (TWO_32 % limit);
    for (;;) {
      fillWords(words, seed, stream, index, counter++);
      if (words[0]! < fair) return words[0]! % limit;
    }
  };
  for (let last = length - 1; last > 0; last--) {
    const chosen = below(last + 1);
    const swapped = order[last]!;
    order[last] = order[chosen]!;
    order[chosen] = swapped;
  }
  return order;
}

function fillWords(words: Uint32Array, seed: number, stream: Stream, index: number, counter: number): void {
  words[0] = counter;
  words[1] = index;
  words[2] = stream;
  words[3] = 0;
  philox(words, seed >>> 0, Math.floor(seed / TWO_32) >>> 0);
}

// Wichura's AS241 (PPND16), highest power first. Its far tail is never reached: p is at least 2^-33.
const CENTRE_TOP = [
  2509.0809287301227, 33430.57558358813, 67265.7709270087, 45921.95393154987, 13731.69376550946, 1971.5909503065513,
  133.14166789178438, 3.3871328727963665,
];
const CENTRE_BOTTOM = [
  5226.495278852854, 28729.085735721943, 39307.89580009271, 21213.794301586597, 5394.196021424751, 687.1870074920579,
  42.31333070160091, 1,
];
const TAIL_TOP = [
  0.0007745450142783414, 0.022723844989269184, 0.2417807251774506, 1.2704582524523684, 3.6478483247632045,
  5.769497221460691, 4.630337846156546, 1.4234371107496835,
];
const TAIL_BOTTOM = [
  1.0507500716444169e-9, 0.0005475938084995345, 0.015198666563616457, 0.14810397642748008, 0.6897673349851,
  1.6763848301838038, 2.053191626637759, 1,
];

/** The x below which a standard normal number stays with probability p (0 < p < 1). Error below 1e-15. */
export function normalQuantile(p: number): number {
  const q = p - 0.5;
  if (Math.abs(q) <= 0.425) {
    const r = 0.180625 - q * q;
    return (q * polynomial(CENTRE_TOP, r)) / polynomial(CENTRE_BOTTOM, r);
  }
  const r = Math.sqrt(-naturalLog(q < 0 ? p : 1 - p)) - 1.6;
  const x = polynomial(TAIL_TOP, r) / polynomial(TAIL_BOTTOM, r);
  return q < 0 ? -x : x;
}

function polynomial(coefficients: readonly number[], x: number): number {
  let sum = 0;
  for (let index = 0; index < coefficients.length; index++) sum = sum * x + coefficients[index]!;
  return sum;
}

/** ln x for 0 < x < 1 from sums and products alone: x = m·2^e with m near 1, then the series of artanh. */
function naturalLog(x: number): number {
  let mantissa = x;
  let exponent = 0;
  while (mantissa < Math.SQRT1_2) {
    mantissa *= 2;
    exponent--;
  }
  const s = (mantissa - 1) / (mantissa + 1);
  const square = s * s;
  let sum = 0;
  for (let odd = 23; odd >= 1; odd -= 2) sum = sum * square + 1 / odd;
  return 2 * s * sum + exponent * Math.LN2;
}
