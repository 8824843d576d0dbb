import { describe, expect, it } from 'vitest';
import { nextConditions, phaseOf } from './conditions.ts';
import type { Condition } from './kubernetes.ts';

const at = { generation: 2, time: '2026-01-01T00:00:10Z' };
const old: readonly Condition[] = [
  {
    type: 'Ready',
    status: 'False',
    reason: 'A',
    message: 'a',
    observedGeneration: 1,
    lastTransitionTime: '2026-01-01T00:00:00Z',
  },
  {
    type: 'Failed',
    status: 'False',
    reason: 'B',
    message: 'b',
    observedGeneration: 1,
    lastTransitionTime: '2026-01-01T00:00:01Z',
  },
];

describe('nextConditions', () => {
  it('keeps the time of a condition whose status stays, and what nobody claims', () => {
    const ready = { status: 'False', reason: 'C', message: 'c' } as const;
    const scheduled = { status: 'True', reason: 'D', message: 'd' } as const;
    expect(nextConditions(old, { Scheduled: scheduled, Ready: ready }, at)).toEqual([
      { type: 'Ready', ...ready, observedGeneration: 2, lastTransitionTime: '2026-01-01T00:00:00Z' },
      { type: 'Scheduled', ...scheduled, observedGeneration: 2, lastTransitionTime: at.time },
      old[1],
    ]);
  });

  it('gives a condition whose status changes the time of the change', () => {
    const [ready] = nextConditions(old, { Ready: { status: 'True', reason: 'C', message: 'c' } }, at);
    expect(ready).toEqual({
      type: 'Ready',
      status: 'True',
      reason: 'C',
      message: 'c',
      observedGeneration: 2,
      lastTransitionTime: at.time,
    });
  });
});

describe('phaseOf', () => {
  it.each([
    [[], 'Queued'],
    [['Scheduled'], 'Starting'],
    [['Scheduled', 'Progressing'], 'Running'],
    [['Scheduled', 'Complete'], 'Succeeded'],
    [['Scheduled', 'Progressing', 'Failed'], 'Failed'],
  ] as const)('with %j is %s', (types, phase) => {
    expect(phaseOf(types.map((type) => ({ type, status: 'True' })))).toBe(phase);
  });
});
