/** The process in which copies are counted, which `copies.part.ts` starts: `node count-copies.ts TASK`. */
import { writeFileSync } from 'node:fs';
import type { Device } from '../../runner/ort/device.ts';
import { scheduleOf } from '../../runner/plan/plan-schedule.ts';
import { openSchedule } from '../../runner/plan/schedule.ts';
import { runToEnd } from '../golden/run-case.ts';
import { modelInput, tinyModel } from '../same-bits/inputs.ts';
import { type Copied, type CopyCounts, countCopies, lessCopies, readCopies } from './copy-log.ts';
import type { Criterion } from './judge.ts';
import { type CountedSides, itemCopiesHold, layerCopiesHold, uncounted } from './judge-copies.ts';
import { type PartTask, partContext } from './part.ts';
import { loadLayers } from './wide-layers.ts';

const LOG = process.env.COPY_LOG!;
/** Why the provider's are not counted; undefined where they are. */
const UNCOUNTED = process.env.COPIES_OF_PROVIDER;
const STEPS = [3, 6] as const;
const BYS = ['ours', 'provider'] as const;

const { attempt, device, layouts, folder, small, kind } = partContext(JSON.parse(process.argv[2]!) as PartTask);
const size = small ? { width: 64, height: 48 } : { width: 256, height: 256 };
writeFileSync(LOG, '');

/** Both sides' copies of which those since the beginning are counted. */
type Sides = Readonly<Record<Copied['by'], CopyCounts>>;

function sides(): Sides {
  const copies = readCopies(LOG);
  const of = (by: Copied['by']) => countCopies(copies.filter((copy) => copy.by === by));
  return { ours: of('ours'), provider: of('provider') };
}

/** What either side copied between two moments, or that nobody knows. */
function between(more: Sides, less: Sides, share = 1): CountedSides {
  const [ours, provider] = BYS.map((by) => lessCopies(more[by], less[by], share)) as [CopyCounts, CopyCounts];
  return { ours, provider: UNCOUNTED ?? provider };
}

/** On a card something must have been copied by then: a count of nothing would be one of a counter that does not work. */
function mustHave(by: Copied['by'], what: string): void {
  if (kind === 'cpu' || (by === 'provider' && UNCOUNTED !== undefined)) return;
  if (readCopies(LOG).some((copy) => copy.by === by)) return;
  throw new Error(`no copy (${by}) was counted while ${what}: the counter does not work`);
}

/** The processor's stages copy by themselves, and nothing is wanted of them here. */
function verdict(criterion: Criterion): Partial<Criterion> {
  return kind === 'cpu' ? {} : criterion;
}

async function pipeline(stages: number, devices: readonly Device[], steps: number) {
  const input = modelInput(tinyModel(), { stages, steps, frames: 61, blockLatents: 4, contextLatents: 2, size });
  const before = sides();
  const stageWorker = new URL('./counting-stage-worker.ts', import.meta.url);
  await runToEnd({ ...input, devices, options: { stageWorker } });
  const cursor = openSchedule(scheduleOf(input.plan));
  let items = 0;
  while (cursor.next()) items++;
  const after = sides();
  const of = (by: Copied['by']) => lessCopies(after[by], before[by]);
  return { items, copies: { ours: of('ours'), provider: of('provider') } satisfies Sides };
}

await attempt('a layer at 1.3B width', () => {
  const tokens = small ? 16 : 6240;
  const shape = { layers: 1, tokens, contextTokens: tokens / 4, dtype: kind === 'cpu' ? 'F32' : 'BF16' } as const;
  const loaded = loadLayers({ folder, device: device(), model: 'Wan2.1-T2V-1.3B', ...shape });
  const { binding, outputs, release } = loaded;
  binding.run();
  mustHave('provider', 'a layer was loaded');
  const before = sides();
  binding.run();
  const ran = sides();
  binding.bindInput('x', outputs.get('y')!);
  const rebound = sides();
  release();
  const [run, bindingAnInput] = [between(ran, before), between(rebound, ran)];
  return { run, bindingAnInput, tokens, ...uncounted(run), ...verdict(layerCopiesHold(run, bindingAnInput)) };
});

for (const stages of [1, 2, 4]) {
  for (const { name, devices } of layouts(stages)) {
    await attempt(`an item on ${stages} stages on ${name}, tiny model at ${size.width} × ${size.height}`, async () => {
      const short = await pipeline(stages, devices, STEPS[0]);
      mustHave('ours', 'stages put their tables on their devices');
      const long = await pipeline(stages, devices, STEPS[1]);
      const items = long.items - short.items;
      const perItem = between(long.copies, short.copies, items);
      return { items, perItem, ...uncounted(perItem), ...verdict(itemCopiesHold(perItem, stages)) };
    });
  }
}
