import { expect, test } from 'vitest';
import { createTracker } from './tracker.ts';

const PLAN = { latents: 26, blocks: 6, stride: 1, iterations: 11, blockSteps: 36, stages: [] };

test('a record counts block-steps, measures their rate and estimates the rest from it', () => {
  let now = Date.UTC(2026, 0, 1);
  const tracker = createTracker(() => now);
  tracker.plan(PLAN, 101);
  tracker.phase('Denoising');
  now += 9000;
  tracker.blockStep(18, 4);
  tracker.blockFinished(1);
  tracker.frames(21);
  expect(tracker.record()).toEqual({
    contractVersion: 1,
    sequence: 0,
    time: '2026-01-01T00:00:09.000Z',
    phase: 'Denoising',
    percent: 48.5,
    iteration: 4,
    iterations: 11,
    blockSteps: 18,
    blockStepsTotal: 36,
    blocksFinished: 1,
    blocks: 6,
    framesReady: 21,
    framesTotal: 101,
    blockStepsPerSecond: 2,
    etaSeconds: 9,
    plan: PLAN,
  });
  expect(tracker.record().sequence).toBe(1);
});

test('no rate and no estimate are invented before the first block-step', () => {
  const tracker = createTracker(() => 0);
  tracker.plan(PLAN, 101);
  tracker.phase('Denoising');
  const record = tracker.record();
  expect([record.percent, record.blockStepsPerSecond, record.etaSeconds]).toEqual([0, undefined, undefined]);
});

test('a finished run is at 100 percent and its rate no longer falls with time', () => {
  let now = 0;
  const tracker = createTracker(() => now);
  tracker.plan(PLAN, 101);
  tracker.phase('Denoising');
  now = 4000;
  tracker.blockStep(36, 11);
  tracker.phase('Finishing');
  now = 60_000;
  tracker.phase('Done');
  const { percent, blockStepsPerSecond, etaSeconds } = tracker.record();
  expect({ percent, blockStepsPerSecond, etaSeconds }).toEqual({ percent: 100, blockStepsPerSecond: 9, etaSeconds: 0 });
});

test('a run that goes on has the rate of its own block-steps, and the counts of both', () => {
  let now = 0;
  const tracker = createTracker(() => now);
  tracker.plan(PLAN, 101);
  tracker.goesOn(18, 5, 2);
  tracker.phase('Denoising');
  expect(tracker.record().blockStepsPerSecond).toBeUndefined();
  now = 4000;
  tracker.blockStep(20, 6);
  const { blockSteps, blockStepsPerSecond, etaSeconds, iteration, blocksFinished } = tracker.record();
  expect([blockSteps, blockStepsPerSecond, etaSeconds, iteration, blocksFinished]).toEqual([20, 0.5, 32, 6, 2]);
});

test('a run says where it goes on, which checkpoint is the newest, and why the last could not be written', () => {
  const tracker = createTracker(() => 0);
  const told = () => {
    const { resumedFrom, checkpoint, checkpointFailure } = tracker.record();
    return { resumedFrom, checkpoint, checkpointFailure };
  };
  const first = { iteration: 5, time: '2026-01-01T00:00:00.000Z', bytes: 10, location: '/films' };
  const nothing = { resumedFrom: undefined, checkpoint: undefined, checkpointFailure: undefined };
  expect(told()).toEqual(nothing);
  tracker.begins({ iteration: 5, time: first.time });
  tracker.checkpoint(first);
  const resumedFrom = { iteration: 5, time: first.time };
  expect(told()).toEqual({ resumedFrom, checkpoint: first, checkpointFailure: undefined });
  tracker.checkpointFailed('no space is left');
  expect(told()).toEqual({ resumedFrom, checkpoint: first, checkpointFailure: 'no space is left' });
  const second = { ...first, iteration: 8 };
  tracker.checkpoint(second);
  expect(told()).toEqual({ resumedFrom, checkpoint: second, checkpointFailure: undefined });
  tracker.checkpoint(undefined);
  expect(told()).toEqual({ ...nothing, resumedFrom });
});
