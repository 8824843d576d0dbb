import { expect, test } from 'vitest';
import { scheduleOf } from '../../runner/plan/plan-schedule.ts';
import { openSchedule } from '../../runner/plan/schedule.ts';
import { modelInput, tinyModel } from './inputs.ts';
import { openStages } from './sequential.ts';

/** Handles and views that calls into the runtime leave behind: small, and no more for a larger picture. */
const SMALL_BYTES_PER_ITEM = 16_384;

test('once stages are open, items allocate no buffer, and no more memory for a larger picture', () => {
  const size = { width: 256, height: 256 };
  const input = modelInput(tinyModel(), {
    stages: 2,
    steps: 4,
    frames: 61,
    blockLatents: 4,
    contextLatents: 2,
    size,
  });
  const { windowLatents, tokensPerLatent } = input.plan;
  expect(windowLatents * tokensPerLatent * 48 * 4).toBeGreaterThan(16 * SMALL_BYTES_PER_ITEM);
  using stack = new DisposableStack();
  const stages = openStages(input, 1, stack);
  const cursor = openSchedule(scheduleOf(input.plan));
  let buffers = 0;
  const growth: number[] = [];
  while (cursor.next()) {
    const before = process.memoryUsage();
    for (const run of stages) run(cursor.item);
    const after = process.memoryUsage();
    if (cursor.item.index < 10) continue;
    buffers = Math.max(buffers, after.arrayBuffers - before.arrayBuffers);
    growth.push(after.heapUsed - before.heapUsed);
  }
  growth.sort((a, b) => a - b);
  expect(growth.length).toBeGreaterThan(10);
  expect(buffers).toBe(0);
  expect(growth[Math.floor(growth.length / 2)]).toBeLessThan(SMALL_BYTES_PER_ITEM);
});
