import { expect, it } from 'vitest';
import { MIX_NAMES } from './mixes.ts';
import { describeBroken } from './play.ts';
import { playSchedule } from './schedule.ts';

/** Of each mix. `npm run simulate` plays more. */
const SCHEDULES = 1_700;

it.each(MIX_NAMES)(
  `the operator is right under ${SCHEDULES} %s schedules`,
  async (mix) => {
    const broken: string[] = [];
    for (let seed = 1; seed <= SCHEDULES; seed += 1) {
      const outcome = await playSchedule(seed, mix);
      if (outcome.broken.length > 0) broken.push(await describeBroken(outcome, 12));
    }
    expect(broken.join('\n\n')).toBe('');
  },
  600_000,
);

it('the same seed gives the same schedule', async () => {
  const [first, second] = [await playSchedule(7, 'harsh', true), await playSchedule(7, 'harsh', true)];
  expect(second).toEqual(first);
  expect(first.trace.length).toBeGreaterThan(50);
});
