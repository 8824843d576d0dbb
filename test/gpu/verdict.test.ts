import { expect, test } from 'vitest';
import { ENDED, type PartReport, rowsIn, verdictLines, verdictOf } from './verdict.ts';

const films = { name: 'films', judges: true };
const sessions = { name: 'sessions', judges: false };
const held = { name: 'golden', holds: true, wanted: 'relative error at most 0.1' };
const ended = (rows: PartReport['rows']): PartReport => ({ seconds: 1, end: ENDED, rows });

test('a proof holds where every part that was asked for ended and every row that judges holds', () => {
  const verdict = verdictOf([films, sessions], {
    films: ended([held, held]),
    sessions: ended([{ name: 'slice loads' }]),
  });
  expect(verdict).toEqual({ holds: true, held: 2, failures: [], notRun: [] });
});

test.each<{ what: string; report: PartReport | undefined; failure: string }>([
  { what: 'a part is missing', report: undefined, failure: 'films: missing' },
  {
    what: 'a row does not hold',
    report: ended([held, { ...held, holds: false }]),
    failure: 'films: golden: does not hold; wanted: relative error at most 0.1',
  },
  {
    what: 'a row that does not hold has a figure',
    report: ended([{ ...held, holds: false, relative: 1 }]),
    failure: 'films: golden: does not hold; wanted: relative error at most 0.1; relative error 1',
  },
  {
    what: 'all rows are errors',
    report: ended([{ name: 'golden', error: 'E_DEVICE_LOST: gone' }]),
    failure: 'films: golden: E_DEVICE_LOST: gone',
  },
  {
    what: 'a row is an error',
    report: ended([held, { name: 'golden', error: 'E_DEVICE_LOST: gone' }]),
    failure: 'films: golden: E_DEVICE_LOST: gone',
  },
  {
    what: 'a part was killed',
    report: { ...ended([held]), end: 'stopped after its 60 s' },
    failure: 'films: stopped after its 60 s',
  },
  { what: 'a part crashed', report: { ...ended([held]), end: 'SIGABRT' }, failure: 'films: SIGABRT' },
  {
    what: 'a row says neither that it holds nor that it does not',
    report: ended([held, { ...held, holds: null as unknown as boolean }]),
    failure: 'films: golden: does not say whether it holds, but null',
  },
  {
    what: 'nothing that was asked for could be measured',
    report: ended([{ name: 'layers', notRun: 'no PyTorch' }]),
    failure: 'no row of any part says that something holds',
  },
  { what: 'a part said nothing', report: ended([]), failure: 'films: nothing was judged' },
  {
    what: 'no row of a part that is to judge says whether it holds',
    report: ended([{ name: 'golden', relative: 1 }]),
    failure: 'films: nothing was judged',
  },
])('a proof does not hold where $what', ({ report, failure }) => {
  const verdict = verdictOf([films], report === undefined ? {} : { films: report });
  expect(verdict.holds).toBe(false);
  expect(verdict.failures).toEqual([failure]);
  expect(verdictLines(verdict).join('\n')).toContain(`FAILED   ${failure}`);
});

test('why no part was begun is the first failure', () => {
  const verdict = verdictOf([films], {}, 'E_DEVICE_DRIVER: no driver');
  expect(verdict.failures).toEqual(['E_DEVICE_DRIVER: no driver', 'films: missing']);
});

test('what could not be measured here is told, and is no failure', () => {
  const notRun = { seconds: 0, end: 'not begun', notRun: 'no ncu on the PATH', rows: [] };
  const bench = { name: 'bench-layers', judges: true };
  const verdict = verdictOf([films, { name: 'kernels', judges: false }, bench], {
    films: ended([held]),
    kernels: notRun,
    'bench-layers': ended([{ name: 'layers', notRun: 'no PyTorch' }]),
  });
  expect(verdict).toEqual({
    ...{ holds: true, held: 1, failures: [] },
    notRun: ['kernels: no ncu on the PATH', 'bench-layers: no PyTorch'],
  });
  expect(verdictLines(verdict)).toContain('not run: kernels: no ncu on the PATH');
});

test('a row that its process could not write to the end is a failure, and those before it are kept', () => {
  const rows = rowsIn('{"name":"golden","holds":true}\n{"name":"gol');
  expect(rows).toEqual([
    { name: 'golden', holds: true },
    { name: 'a row', error: 'cut off: {"name":"gol' },
  ]);
});
