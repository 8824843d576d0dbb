import type { BlockState } from './block-state.ts';

/**
 * UniPC (bh2, order 2, predicting the clean sample) over flow sigmas (docs/wan.md#unipc). For given sigmas every step is one linear
 * form of four arrays, so the equations are solved once into this table. One row per step:
 *
 *   estimate  m  = x − sigma · v
 *   corrected y  = correctX · x + correctLast · last + correctNow · m + correct1 · estimate1 + correct2 · estimate2
 *   next      x' = nextSample · y + nextNow · m + next1 · estimate1
 *
 * where estimate1 and estimate2 are the m of the last step and of the one before.
 */
const COLUMNS = [
  'sigma',
  'correctX',
  'correctLast',
  'correctNow',
  'correct1',
  'correct2',
  'nextSample',
  'nextNow',
  'next1',
] as const;
type Row = Record<(typeof COLUMNS)[number], number>;

/** Numbers of a row. */
export const STEP_NUMBERS = COLUMNS.length;

/** The table, row after row. */
export type UniPcTable = Float64Array;

/** Solves the steps of `sigmas` (docs/wan.md#unipc) for a rule of at most `highestOrder` (1 or 2). */
export function uniPcTable(sigmas: Float32Array, highestOrder: number): UniPcTable {
  const steps = sigmas.length - 1;
  // The order of the prediction made at each step: 1 at the first step and at the last, when so little is known or left.
  const orders = Array.from({ length: steps }, (_, step) => Math.min(highestOrder, steps - step, step + 1));
  const rows = orders.map((order, step) => {
    const row: Row = {
      sigma: sigmas[step]!,
      ...corrector(sigmas, step, orders[step - 1]),
      ...predictor(sigmas, step, order),
    };
    return COLUMNS.map((column) => row[column]);
  });
  return Float64Array.from(rows.flat());
}

/** Half the logarithm of the signal-to-noise ratio, as flow models define it. */
function lambda(sigma: number): number {
  return Math.log(1 - sigma) - Math.log(sigma);
}

type Corrector = Pick<Row, 'correctX' | 'correctLast' | 'correctNow' | 'correct1' | 'correct2'>;

/** `order` is that of the prediction to be corrected; there is none before the first step. */
function corrector(sigmas: Float32Array, step: number, order: number | undefined): Corrector {
  if (order === undefined) return { correctX: 1, correctLast: 0, correctNow: 0, correct1: 0, correct2: 0 };
  const now = sigmas[step]!;
  const before = sigmas[step - 1]!;
  const h = lambda(now) - lambda(before);
  const e = Math.expm1(-h);
  const scale = -(1 - now) * e;
  const base = { correctX: 0, correctLast: now / before };
  if (order === 1) return { ...base, correctNow: scale / 2, correct1: scale / 2, correct2: 0 };
  const r = (lambda(sigmas[step - 2]!) - lambda(before)) / h;
  const phi1 = e / -h - 1;
  const b1 = phi1 / e;
  const b2 = (2 * (phi1 / -h - 0.5)) / e;
  const rho1 = (b1 - b2) / (1 - r);
  const rho2 = (b2 - r * b1) / (1 - r);
  return {
    ...base,
    correctNow: scale * rho2,
    correct1: scale * (1 - rho1 / r - rho2),
    correct2: (scale * rho1) / r,
  };
}

function predictor(sigmas: Float32Array, step: number, order: number): Pick<Row, 'nextSample' | 'nextNow' | 'next1'> {
  const now = sigmas[step]!;
  const next = sigmas[step + 1]!;
  if (next === 0) return { nextSample: 0, nextNow: 1, next1: 0 };
  const h = lambda(next) - lambda(now);
  const scale = -(1 - next) * Math.expm1(-h);
  if (order === 1) return { nextSample: next / now, nextNow: scale, next1: 0 };
  const r = (lambda(sigmas[step - 1]!) - lambda(now)) / h;
  return { nextSample: next / now, nextNow: scale * (1 - 0.5 / r), next1: (scale * 0.5) / r };
}

/** One step of one block with the model's velocity `[C, F, h, w]` at its own latents, in place. */
export function uniPcStep(state: BlockState, velocity: Float32Array, table: UniPcTable): void {
  const { x, last, estimate1, estimate2 } = state;
  const first = state.step * COLUMNS.length;
  const sigma = table[first]!;
  const correctX = table[first + 1]!;
  const correctLast = table[first + 2]!;
  const correctNow = table[first + 3]!;
  const correct1 = table[first + 4]!;
  const correct2 = table[first + 5]!;
  const nextSample = table[first + 6]!;
  const nextNow = table[first + 7]!;
  const next1 = table[first + 8]!;
  for (let index = 0; index < x.length; index++) {
    const m1 = estimate1[index]!;
    const m = x[index]! - sigma * velocity[index]!;
    const past = correctLast * last[index]! + correct1 * m1 + correct2 * estimate2[index]!;
    const corrected = correctX * x[index]! + correctNow * m + past;
    x[index] = nextSample * corrected + nextNow * m + next1 * m1;
    last[index] = corrected;
    estimate2[index] = m1;
    estimate1[index] = m;
  }
  state.step++;
}
