import { expect, test } from 'vitest';
import { intervalWarnings, whyUnguided } from './unguided.ts';

const interval = { low: 0.001, high: 0.002 };

test.each([
  [[1], null, 'guidanceScale 1'],
  [[1, 0.5], interval, 'guidanceScale 1 / 0.5'],
  [[5, 1], interval, 'guidanceInterval 0.001 to 0.002 holds the noise level of no guided step'],
])('scales %j and interval %j guide no step: %s', (guidanceScales, guidanceInterval, why) =>
  expect(whyUnguided({ guidanceScales, guidanceInterval })).toBe(why),
);

test.each([
  { what: 'no interval', sampling: { guidanceScales: [1], guidanceInterval: null }, branches: 1, warnings: [] },
  {
    what: 'an interval with guided steps',
    sampling: { guidanceScales: [5], guidanceInterval: interval },
    branches: 2,
    warnings: [],
  },
  {
    what: 'an interval without guidance',
    sampling: { guidanceScales: [1], guidanceInterval: interval },
    branches: 1,
    warnings: ['guidanceInterval has no effect: guidanceScale 1 is no guidance'],
  },
  {
    what: 'an interval without a step',
    sampling: { guidanceScales: [5], guidanceInterval: interval },
    branches: 1,
    warnings: ['the film is not guided: guidanceInterval 0.001 to 0.002 holds the noise level of no guided step'],
  },
])('$what', ({ sampling, branches, warnings }) => expect(intervalWarnings(sampling, branches)).toEqual(warnings));
