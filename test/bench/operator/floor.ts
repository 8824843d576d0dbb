/** Creations, a burst and a cold start: what ours costs beside the peer, which only makes Jobs. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BenchRow } from '../bench.ts';
import { onBed } from './bed.ts';
import { buildPeer, type Contender, type Load, ours, type Peer } from './contenders.ts';

export interface FloorSizes {
  readonly creations: number;
  readonly rate: number;
  readonly burst: number;
  /** Films in all, at the cold start. */
  readonly films: number;
}

/** A film that nobody can schedule. */
export const SPEC = {
  prompt: 'a lighthouse',
  length: { frames: 81 },
  model: { ref: 'tiny', source: { persistentVolumeClaim: { claimName: 'models' } } },
  output: { persistentVolumeClaim: { claimName: 'films' } },
  parallelism: { gpus: 8 },
};

interface Figures {
  readonly steady: Load;
  readonly burst: Load;
  readonly coldSeconds: number;
  readonly residentBytes: number;
}

/** After the last film was looked at, for what is still under way. */
const SETTLED_MS = 5_000;

/** Measures both, each on a bed of its own, one after the other. */
export async function floorRows(sources: string, sizes: FloorSizes): Promise<readonly BenchRow[]> {
  const folder = mkdtempSync(join(tmpdir(), 'dualparal-peer-'));
  try {
    const spec = join(folder, 'spec.json');
    writeFileSync(spec, JSON.stringify(SPEC));
    const peer = buildPeer(sources, folder);
    const theirs = await figuresOf(peer, peer, sizes, spec);
    return rowsOf(await figuresOf(ours, peer, sizes, spec), theirs, sizes);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function figuresOf(contender: Contender, { load }: Peer, sizes: FloorSizes, spec: string): Promise<Figures> {
  const { creations, rate, burst, films } = sizes;
  return onBed(async (cluster) => {
    const running = await contender.start(cluster);
    await load(cluster, { count: 20, rate: 20, prefix: 'warm', spec });
    const steady = await load(cluster, { count: creations, rate, prefix: 'steady', spec });
    console.error(`[${contender.name}] ${JSON.stringify(steady)}`);
    const atOnce = await load(cluster, { count: burst, prefix: 'burst', spec });
    console.error(`[${contender.name}] ${JSON.stringify(atOnce)} ${running.residentBytes() / 2 ** 20} MiB`);
    const rest = films - creations - burst - 20;
    if (rest > 0) await load(cluster, { count: rest, prefix: 'rest', spec });
    await sleep(SETTLED_MS);
    await running.stop();
    const began = performance.now();
    const again = await contender.start(cluster);
    const { series, label } = contender.reconciled;
    await again.reached(series, label, Math.max(films, creations + burst + 20));
    const coldSeconds = (performance.now() - began) / 1000;
    await sleep(SETTLED_MS);
    const residentBytes = again.residentBytes();
    console.error(
      `[${contender.name}] ${coldSeconds} s, ${again.processorSeconds()} s of CPU, ${residentBytes / 2 ** 20} MiB`,
    );
    await again.stop();
    return { steady, burst: atOnce, coldSeconds, residentBytes };
  });
}

const MIB = 2 ** 20;
const MOST_MIB = 350;

function rowsOf(mine: Figures, theirs: Figures, sizes: FloorSizes): readonly BenchRow[] {
  const lower = (measure: string, unit: string, values: readonly [number, number], most: Partial<BenchRow>) => ({
    ...{ measure, unit, ours: values[0], peer: 'the peer', theirs: values[1], better: 'lower' as const },
    ...most,
  });
  const films = Math.max(sizes.films, sizes.creations + sizes.burst + 20);
  const steady = `${sizes.creations} creations at ${sizes.rate} a second, creation to Job`;
  const percentile = (of: 'p50' | 'p90' | 'p99') =>
    lower(`${steady}, ${of}`, 'ms', [mine.steady[of], theirs.steady[of]], {
      holds: mine.steady[of] <= theirs.steady[of],
      threshold: 'no slower than the peer',
    });
  const [mineMib, theirMib] = [mine.residentBytes / MIB, theirs.residentBytes / MIB];
  const speed = ({ burst: { jobs, seconds } }: Figures) => jobs / seconds;
  return [
    ...(['p50', 'p90', 'p99'] as const).map(percentile),
    {
      ...lower(`${sizes.burst} creations at once`, 'Jobs/s', [speed(mine), speed(theirs)], {}),
      better: 'higher',
      holds: speed(mine) >= speed(theirs),
      threshold: 'no fewer than the peer',
    },
    lower(`cold start of ${films} films until all were looked at`, 's', [mine.coldSeconds, theirs.coldSeconds], {
      holds: mine.coldSeconds <= 2 * theirs.coldSeconds,
      threshold: 'at most twice the peer',
    }),
    lower('resident after it', 'MiB', [mineMib, theirMib], {
      holds: mineMib <= 1.2 * theirMib && mineMib < MOST_MIB,
      threshold: `at most 1.2 times the peer, and under ${MOST_MIB}`,
    }),
  ];
}
