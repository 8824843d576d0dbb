import { existsSync, readFileSync } from 'node:fs';
import { scheduleOf } from '../../runner/plan/plan-schedule.ts';
import { openSchedule } from '../../runner/plan/schedule.ts';
import { runToEnd } from '../golden/run-case.ts';
import { modelInput, tinyModel } from '../same-bits/inputs.ts';
import { timed } from './measure.ts';
import type { PartContext } from './part.ts';
import { loadLayers } from './wide-layers.ts';

const NAMES: Readonly<Record<string, string>> = { 1: 'toDevice', 2: 'toHost', 3: 'within' };
const size = { width: 256, height: 256 };

type Counts = Record<string, { count: number; bytes: number }>;

/** Copies since the beginning, as the preloaded library has noted them. */
function copies(): Counts {
  const path = process.env.COPY_LOG ?? '';
  const counts: Counts = {};
  for (const name of Object.values(NAMES)) counts[name] = { count: 0, bytes: 0 };
  if (!existsSync(path)) return counts;
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    const [kind, bytes] = line.split(' ');
    if (bytes === undefined) continue;
    const name = NAMES[kind!] ?? `kind ${kind}`;
    counts[name] ??= { count: 0, bytes: 0 };
    counts[name].count++;
    counts[name].bytes += Number(bytes);
  }
  return counts;
}

function less(after: Counts, before: Counts, share = 1) {
  const none = { count: 0, bytes: 0 };
  return Object.fromEntries(
    Object.entries(after).map(([name, { count, bytes }]) => {
      const earlier = before[name] ?? none;
      return [name, { count: (count - earlier.count) / share, bytes: (bytes - earlier.bytes) / share }];
    }),
  );
}

/** Copies between host and device: of one layer, and per item of a whole pipeline, loading not counted. */
export async function run({ attempt, devices, folder, small, kind }: PartContext): Promise<void> {
  const [device] = devices(1);
  await attempt('a layer at 1.3B width', () => {
    const tokens = small ? 16 : 6240;
    const shape = { layers: 1, tokens, contextTokens: tokens / 4, dtype: kind === 'cpu' ? 'F32' : 'BF16' } as const;
    const { binding, outputs, release } = loadLayers({ folder, device: device!, model: 'Wan2.1-T2V-1.3B', ...shape });
    binding.run();
    const before = copies();
    binding.run();
    const each = less(copies(), before);
    const bound = copies();
    binding.bindInput('x', outputs.get('y')!);
    const rebound = less(copies(), bound);
    timed(() => binding.run(), 1);
    release();
    return { run: each, bindingAnInput: rebound, tokens };
  });
  for (const stages of [1, 2, 4]) {
    await attempt(`an item on ${stages} stages, tiny model at 256 × 256`, async () => {
      const [short, long] = [await count(stages, 3), await count(stages, 6)];
      return { items: long.items - short.items, perItem: less(long.copies, short.copies, long.items - short.items) };
    });
  }

  async function count(stages: number, steps: number) {
    const input = modelInput(tinyModel(), { stages, steps, frames: 61, blockLatents: 4, contextLatents: 2, size });
    const before = copies();
    await runToEnd({ ...input, devices: devices(stages) });
    const cursor = openSchedule(scheduleOf(input.plan));
    let items = 0;
    while (cursor.next()) items++;
    return { items, copies: less(copies(), before) as Counts };
  }
}
