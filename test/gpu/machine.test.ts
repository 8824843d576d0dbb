import { expect, test } from 'vitest';
import { PATIENCE } from '../../runner/thread/patience.ts';
import { surveyIn, surveySeconds } from './machine.ts';

test.each([{}, { DUALPARAL_PATIENCE_SECONDS: '600' }])(
  'the survey is given more time than it may wait for the driver and for the provider, with %j',
  (environment) => {
    const patience = Number(environment.DUALPARAL_PATIENCE_SECONDS ?? PATIENCE.lookMilliseconds / 1000);
    expect(surveySeconds(environment)).toBeGreaterThan(2 * patience);
  },
);

const SURVEY = { chosen: 'cuda:0', driver: { version: '580' } };
const printed = JSON.stringify(SURVEY, null, 2);

test.each([
  { what: 'alone', output: `${printed}\n`, found: SURVEY },
  { what: 'among what libraries print', output: `a tool says {hello}\n${printed}\nbye\n`, found: SURVEY },
  { what: 'cut off', output: printed.slice(0, -1), found: undefined },
  { what: 'not there', output: 'Segmentation fault\n', found: undefined },
])('a survey that is printed $what is read', ({ output, found }) => {
  expect(surveyIn(output)).toEqual(found);
});
