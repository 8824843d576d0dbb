import { describe, expect, it } from 'vitest';
import { filmPlan } from '../../test/build/film-plan.ts';
import { checkpointSize } from '../plan/checkpoint-size.ts';
import { graceSeconds, mostStateBytes, type Stopping } from './grace.ts';
import { jobSpecSchema } from './job-spec.ts';
import { stopMilliseconds } from './stop-time.ts';

const stopping = (fields: object): Stopping =>
  jobSpecSchema.parse({
    ...{
      name: 'x',
      prompt: 'x',
      frames: 1025,
      model: { ref: 'm', folder: 'm' },
      output: { folder: 'o' },
      sampling: {},
    },
    ...{ size: {}, fps: 16, parallelism: {}, ...fields },
  });
const HD = { size: { width: 1280, height: 720 }, frames: 2049 };

describe('the time that a runner has to stop', () => {
  it.each<[string, object, number]>([
    ['is a minute for a picture of 480p', {}, 60],
    ['is more for the blocks of 720p, all in flight', HD, 70],
    ['is a minute where few blocks are in flight', { ...HD, frames: 81 }, 60],
    ['is less with a stride, which has fewer in flight', { ...HD, parallelism: { stride: 10 } }, 60],
    ['takes auto for the least stride', { ...HD, parallelism: { stride: 'auto' } }, 70],
    ['is a minute where there is nothing to write', { ...HD, parallelism: { leftContext: 'reuse' } }, 60],
    ['grows with the steps', { ...HD, frames: 16_001, sampling: { steps: 1000 } }, 200],
    [
      'has an end',
      {
        size: { width: 4096, height: 4096 },
        frames: 100_001,
        sampling: { steps: 1000 },
        parallelism: { blockLatents: 64 },
      },
      3600,
    ],
  ])('%s', (_what, fields, seconds) => {
    expect(graceSeconds(stopping(fields))).toBe(seconds);
  });

  it.each([
    ['a long film', {}],
    ['one of one block', { frames: 41 }],
    ['one of one frame', { frames: 1 }],
    ['more blocks than steps', { sampling: { steps: 4 } }],
    ['a stride', { parallelism: { stride: 4 } }],
    ['a context as long as a block', { parallelism: { blockLatents: 4, contextLatents: 4 } }],
    ['no context', { parallelism: { contextLatents: 0 } }],
    ['none, where the left context is used again', { parallelism: { leftContext: 'reuse' } }],
  ])('is for the checkpoint that the runner plans: %s', (_what, fields) => {
    expect(mostStateBytes(stopping(fields))).toBe(checkpointSize(filmPlan(fields)).state);
  });
});

it.each<[string | undefined, number]>([
  [undefined, 50_000],
  ['60', 50_000],
  ['350', 340_000],
  ['12', 10_000],
  ['', 50_000],
  ['soon', 50_000],
  ['-1', 50_000],
])('of a grace period of %s the runner itself takes %i ms', (text, milliseconds) => {
  expect(stopMilliseconds(text)).toBe(milliseconds);
});
