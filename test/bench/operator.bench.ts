/** What the operator costs beside one that only makes Jobs, and how little it does when there is nothing to do. */
import { jsonBytes } from '../../operator/reconcile/status/bounds.ts';
import { worstFilm } from '../build/worst-film.ts';
import { clusterSupport } from '../cluster/support.ts';
import { type Bench, type BenchRow, notRun } from './bench.ts';
import { floorRows } from './operator/floor.ts';
import { quietRows } from './operator/quiet.ts';
import { reportRows } from './operator/reports.ts';

/** As many as the figures are wanted for; `--size films=2000` makes a run shorter. */
const SIZES = { creations: 1_000, rate: 50, burst: 7_000, films: 10_000, finished: 1_000, reporting: 2_000 };
const LARGEST_KIB = 32;

function largestRow(): BenchRow {
  const kib = Math.max(...[...worstFilm()].map(jsonBytes)) / 1024;
  return {
    ...{ measure: 'largest status that any film can reach', unit: 'KiB', ours: kib, peer: 'at most' },
    ...{ theirs: LARGEST_KIB, better: 'lower', holds: kib <= LARGEST_KIB, threshold: `at most ${LARGEST_KIB} KiB` },
  };
}

export const bench: Bench = {
  title: 'the operator on an API server alone, and a peer in Go that only makes Jobs',
  reads: ['peer'],
  sizes: Object.keys(SIZES),
  async *run(request) {
    const sizes = { ...SIZES, ...request.sizes };
    yield [largestRow()];
    const support = clusterSupport();
    if (!support.ok) throw notRun(support.reason);
    yield await quietRows(sizes);
    yield await reportRows(sizes);
    const peer = request.peer ?? process.env.DUALPARAL_PEER_OPERATOR;
    if (peer === undefined || peer === '')
      throw notRun('creations, burst, cold start and memory need a peer: --peer DIR, or DUALPARAL_PEER_OPERATOR');
    yield await floorRows(peer, sizes);
  },
};
