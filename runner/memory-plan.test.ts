import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { decoderParts } from '../test/build/decoder-parts.ts';
import { job } from '../test/build/film-plan.ts';
import { type MemoryPlan, type PlannedUses, planMemory, shareLimits } from './memory-plan.ts';
import type { Device } from './ort/device.ts';
import type { DecoderPart } from './plan/decoder-cut.ts';
import { bytesOfDecoder } from './plan/decoder-memory.ts';
import { bytesOfStage } from './plan/film-memory.ts';
import { sum } from './plan/session-memory.ts';
import { planModel } from './plan-job.ts';
import { openModel } from './weights/open-model.ts';

const STAGES = 8;
const SIZE = { width: 832, height: 480 };
/** Frames of a latent as they are sent to be encoded. */
const FRAMES_BYTES = 3 * 4 * SIZE.width * SIZE.height;
const THREAD_BYTES = 28e6;
const model = openModel(join(import.meta.dirname, '../models/tiny'));

interface Way {
  readonly kind: Device['kind'];
  readonly tiling: boolean;
}

/** The memory of a film on eight stages with its decoder cut as given. */
function memoryOf({ kind, tiling }: Way, parts: readonly DecoderPart[], known?: PlannedUses): MemoryPlan {
  const spec = job({
    ...{ frames: 61, size: SIZE, decoding: { tiling } },
    parallelism: { gpus: STAGES, blockLatents: 4, contextLatents: 2 },
  });
  const devices = Array.from({ length: STAGES }, (_, index): Device => ({ kind, index, name: `${kind}:${index}` }));
  const plan = planModel(spec, model, devices);
  return planMemory(spec, { ...plan, decoderParts: parts }, model, kind, known);
}

const WAYS: readonly Way[] = (['cuda', 'cpu'] as const).flatMap((kind) => [
  { kind, tiling: false },
  { kind, tiling: true },
]);
const CASES = WAYS.flatMap((way) => [2, 4, 8].map((parts) => ({ ...way, parts })));

describe.each(CASES)('a decoder in $parts parts on $kind, in tiles: $tiling', ({ parts, ...way }) => {
  const whole = memoryOf(way, decoderParts(1, STAGES));
  const cut = memoryOf(way, decoderParts(parts, STAGES));
  const onHost = (memory: MemoryPlan) => sum(memory.decoders.map(({ pictures }) => pictures));

  test('each stage has its own part beside its layers, and no other’s', () => {
    expect(cut.decoders.map(({ stage }) => stage)).toEqual(decoderParts(parts, STAGES).map(({ stage }) => stage));
    const ofDecoder = (memory: MemoryPlan, stage: number) => {
      const own = memory.decoders.filter((part) => part.stage === stage);
      return sum(own.map((part) => bytesOfDecoder(part) + (way.kind === 'cpu' ? part.pictures : 0)));
    };
    const besides = (memory: MemoryPlan) => memory.stageBytes.map((bytes, stage) => bytes - ofDecoder(memory, stage));
    expect(besides(cut)).toEqual(besides(whole));
    expect(cut.stageBytes.at(-1)).toBeLessThan(whole.stageBytes.at(-1)!);
    expect(cut.stageBytes.at(-parts)).toBeGreaterThan(whole.stageBytes.at(-parts)!);
  });

  test('the process has a thread for each part, and the pictures once', () => {
    expect(cut.host.threads - whole.host.threads).toBe((parts - 1) * THREAD_BYTES);
    expect(onHost(cut) - onHost(whole)).toBe((parts - 1) * FRAMES_BYTES);
    const more = (parts - 1) * (THREAD_BYTES + FRAMES_BYTES);
    const parted = way.kind === 'cuda' ? 0 : sum(cut.decoders.map(bytesOfDecoder)) - bytesOfDecoder(whole.decoders[0]!);
    expect(cut.processBytes - whole.processBytes).toBeCloseTo(more + parted, 3);
  });

  test('as many bytes of files are read where they lie', () => {
    const mapped = cut.mappedBytes - whole.mappedBytes;
    expect(mapped).toBeGreaterThanOrEqual(0);
    // Constants that several parts have are in each of them.
    expect(mapped).toBeLessThan(1e4);
  });
});

test('of a device’s limit stage and decoder may each take what the other does not hold whatever it is at', () => {
  const memory = memoryOf(WAYS[0]!, decoderParts(2, STAGES));
  const gpu = (index: number): Device => ({ kind: 'cuda', index, name: `cuda:${index}` });
  const limited = Array.from({ length: STAGES }, (_, index) => ({ ...gpu(index), memoryLimitBytes: 1e9 + index }));
  const { stages, decoders } = shareLimits(limited, memory);
  const limitsOf = (devices: readonly Device[]) => devices.map(({ memoryLimitBytes }) => memoryLimitBytes!);
  for (const [stage, limit] of limitsOf(limited).entries()) {
    const part = memory.decoders.find((each) => each.stage === stage);
    const ofPart = part === undefined ? 0 : part.weights + part.states + part.hidden;
    expect(limit - limitsOf(stages)[stage]!).toBe(ofPart);
    const { working, starting, loading } = memory.stages[stage]!;
    const ofStage = bytesOfStage(memory.stages[stage]!) - Math.max(working, starting, loading);
    expect(limit - limitsOf(decoders)[stage]!).toBeCloseTo(ofStage, 3);
  }
  const least = shareLimits([{ ...gpu(0), memoryLimitBytes: 1 }], memory);
  expect(limitsOf([...least.stages, ...least.decoders])).toEqual([1, 0]);
  expect(shareLimits([gpu(0)], memory)).toEqual({ stages: [gpu(0)], decoders: [gpu(0)] });
});

test.each(WAYS)('what was planned of one cut is not taken for another’s: $kind, in tiles: $tiling', (way) => {
  const known: PlannedUses = new Map();
  const cuts = [1, 2, 4, 2, 1].map((parts) => decoderParts(parts, STAGES));
  for (const parts of cuts) expect(memoryOf(way, parts, known)).toEqual(memoryOf(way, parts));
});

test('what was planned of a part is taken again where it is on another stage', () => {
  const known: PlannedUses = new Map();
  const way = { kind: 'cuda', tiling: false } as const;
  const parts = decoderParts(2, STAGES);
  const [first] = memoryOf(way, parts, known).decoders;
  const count = known.size;
  const moved = parts.map((part) => ({ ...part, stage: part.stage - 3 }));
  expect(memoryOf(way, moved, known).decoders[0]).toEqual({ ...first, stage: first!.stage - 3 });
  expect(known.size).toBe(count);
});
