import type { Copied, CopyCounts } from './copy-log.ts';
import { type Criterion, judged } from './judge.ts';

/** Both sides' copies, or that nobody knows of one of them. */
export type CountedSides = Readonly<Record<Copied['by'], CopyCounts | string>>;

/** How many copies of these ways there are, by whoever is counted. */
function countOf(sides: CountedSides, isMeant: (way: string) => boolean): number {
  const all = Object.values(sides).flatMap((counts) => (typeof counts === 'string' ? [] : Object.entries(counts)));
  return all.filter(([way]) => isMeant(way)).reduce((sum, [, { count }]) => sum + count, 0);
}

const fromHost = (sides: CountedSides): Criterion => ({
  wanted: 'no copy from the host',
  holds: countOf(sides, (way) => way.endsWith('toDevice')) === 0,
});

/** A run of a layer, and another input bound to it: nothing goes by the host. */
export function layerCopiesHold(...all: readonly CountedSides[]): Criterion {
  const toHost: Criterion = {
    wanted: 'none to the host',
    holds: all.every((sides) => countOf(sides, (way) => way.endsWith('toHost')) === 0),
  };
  return judged({ wanted: 'no copy from the host', holds: all.every((sides) => fromHost(sides).holds) }, toHost);
}

/**
 * An item: nothing comes from the host, no more than one piece goes there (what the last stage says of its samples), hidden states hop
 * by one copy from stage to stage, samples by one at most from the last stage's device to the first one's, and nothing else passes
 * between devices.
 */
export function itemCopiesHold(sides: CountedSides, stages: number): Criterion {
  const samples = countOf(sides, (way) => way.startsWith('samples'));
  const others = countOf(sides, (way) => way.endsWith('between devices') && !/^(hop|samples) /.test(way));
  return judged(
    fromHost(sides),
    { wanted: 'at most one to it', holds: countOf(sides, (way) => way.endsWith('toHost')) <= 1 },
    { wanted: `${stages - 1} hops`, holds: countOf(sides, (way) => way.startsWith('hop')) === stages - 1 },
    { wanted: 'samples fetched once at most', holds: samples <= (stages > 1 ? 1 : 0) },
    { wanted: 'no other copy between devices', holds: others === 0 },
  );
}

/** What of the copies could not be counted, as a row says it. */
export function uncounted(sides: CountedSides): { readonly notRun?: string } {
  const words = Object.entries(sides).filter(([, counts]) => typeof counts === 'string');
  return words.length === 0 ? {} : { notRun: words.map(([by, why]) => `copies of the ${by} ${why}`).join('; ') };
}
