/**
 * PyTorch's generator on the CPU (the Mersenne Twister MT19937), and what PyTorch draws from it: numbers in [0, 1) and orders.
 * Unlike the counter-based numbers of `random.ts`, each draw depends on all draws before it.
 */

const LENGTH = 624;
const SHIFT = 397;
const TWIST = 0x9908b0df;
const TOP_BIT = 0x80000000;

/** The next whole number in [0, 2^32). */
export type Generator = () => number;

/** `torch.Generator().manual_seed(seed)`. As there, only the seed's low 32 bits count. */
export function torchGenerator(seed: number): Generator {
  const state = new Uint32Array(LENGTH);
  state[0] = seed % 2 ** 32;
  for (let at = 1; at < LENGTH; at++) {
    const before = state[at - 1]!;
    state[at] = Math.imul(1812433253, before ^ (before >>> 30)) + at;
  }
  let next = LENGTH;
  return () => {
    if (next === LENGTH) {
      renew(state);
      next = 0;
    }
    return temper(state[next++]!);
  };
}

function renew(state: Uint32Array): void {
  for (let at = 0; at < LENGTH; at++) {
    const mixed = (state[at]! & TOP_BIT) | (state[(at + 1) % LENGTH]! & ~TOP_BIT);
    state[at] = state[(at + SHIFT) % LENGTH]! ^ (mixed >>> 1) ^ (mixed & 1 ? TWIST : 0);
  }
}

function temper(word: number): number {
  let y = word;
  y ^= y >>> 11;
  y ^= (y << 7) & 0x9d2c5680;
  y ^= (y << 15) & 0xefc60000;
  return (y ^ (y >>> 18)) >>> 0;
}

/** `torch.rand` in float32: a multiple of 2^-24 in [0, 1). */
export function torchUniform(generator: Generator): number {
  return (generator() & 0xffffff) * 2 ** -24;
}

/** `torch.randperm(length)`, for lengths below 2^32 / 20. */
export function torchOrder(length: number, generator: Generator): Int32Array {
  const order = Int32Array.from({ length }, (_, position) => position);
  for (let first = 0; first < length - 1; first++) {
    const chosen = first + (generator() % (length - first));
    const swapped = order[first]!;
    order[first] = order[chosen]!;
    order[chosen] = swapped;
  }
  return order;
}
