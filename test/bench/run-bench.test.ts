import { expect, test } from 'vitest';
import { type Bench, type BenchRow, lineOf, medianOf, notRun, ratioOf } from './bench.ts';
import { exitCodeOf, runBench } from './run-bench.ts';

const row = (over: Partial<BenchRow> = {}): BenchRow => ({
  ...{ measure: 'a hop', unit: 'ms', ours: 2, peer: 'memcpy', theirs: 3, better: 'lower' },
  ...over,
});

async function run(bench: Bench['run'], devices: Bench['devices'] = ['cpu']) {
  const told: BenchRow[] = [];
  const result = await runBench({ title: 't', devices, run: bench }, { device: 'cpu' }, (one) => told.push(one));
  return { result, told };
}

test('a ratio is above 1 where ours is better, whichever direction is good', () => {
  expect([row(), row({ better: 'higher' })].map(ratioOf)).toEqual([1.5, 2 / 3]);
});

test.each([
  { figures: [7], middle: 7 },
  { figures: [9, 1, 4], middle: 4 },
  { figures: [10, 2, 4, 1], middle: 3 },
])('the middle of $figures is $middle', ({ figures, middle }) => {
  expect(medianOf(figures)).toBe(middle);
});

test('a line says both figures, the ratio and, where something is wanted, whether it holds', () => {
  expect(lineOf(row())).toBe('a hop: 2 ms; memcpy: 3 ms; ratio 1.500');
  expect(lineOf(row({ holds: false, threshold: 'at most 1.15 × it' }))).toBe(
    'a hop: 2 ms; memcpy: 3 ms; ratio 1.500; at most 1.15 × it: does not hold',
  );
});

test('rows before a failure are kept, told as they come, and the failure is named', async () => {
  const { result, told } = await run(async function* () {
    yield [row(), row({ measure: 'b' })];
    throw new Error('no memory');
  });
  expect(told.map(({ measure }) => measure)).toEqual(['a hop', 'b']);
  expect(result).toEqual({ rows: told, failed: 'no memory' });
});

test('what is missing is told apart from a failure', async () => {
  const { result } = await run(async function* () {
    yield [row()];
    throw notRun('no PyTorch');
  });
  expect(result).toEqual({ rows: [row()], notRun: 'no PyTorch' });
});

test('a benchmark of another device is not begun', async () => {
  const { result } = await run(() => {
    throw new Error('begun');
  }, ['cuda']);
  expect(result).toEqual({ rows: [] });
});

test.each([
  { name: 'all hold, or nothing is wanted', results: [{ rows: [row(), row({ holds: true })] }], code: 0 },
  { name: 'one does not hold', results: [{ rows: [row({ holds: false })] }, { rows: [] }], code: 1 },
  { name: 'one could not run', results: [{ rows: [row({ holds: false })], notRun: 'x' }], code: 3 },
  {
    name: 'one failed',
    results: [
      { rows: [], failed: 'x' },
      { rows: [], notRun: 'x' },
    ],
    code: 4,
  },
])('exit code $code: $name', ({ results, code }) => {
  expect(exitCodeOf(results)).toBe(code);
});
