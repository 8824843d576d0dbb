/**
 * `npm run simulate -- [--schedules N] [--seed S] [--mix mild|harsh|failover] [--trace] [--put-back [FAULT…]]`: plays many
 * schedules of the operator in virtual time and checks what must hold (README.md). Exit code 1 when something is broken.
 */
import { parseArgs } from 'node:util';
import { MIX_NAMES, type MixName } from './mixes.ts';
import { describeBroken } from './play.ts';
import { putBackAll } from './put-back.ts';
import { playSchedule } from './schedule.ts';

const HELP = `usage: npm run simulate -- [--schedules N] [--seed S] [--mix ${MIX_NAMES.join('|')}] [--trace]
       npm run simulate -- --put-back [FAULT…] [--schedules N]
  --schedules N  so many of each mix (1000; 1 with --trace; 6000 in all with --put-back)
  --seed S       the first seed (1); the next schedule has the next one
  --mix M        this mix only
  --trace        prints what happens, step by step
  --until-broken ends with the first broken schedule
  --put-back     puts every mended fault back, one at a time, and prints after how many schedules it was found`;

function readOptions() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      schedules: { type: 'string' },
      seed: { type: 'string' },
      mix: { type: 'string' },
      trace: { type: 'boolean' },
      'until-broken': { type: 'boolean' },
      'put-back': { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  const whole = (name: 'schedules' | 'seed', usual: number) => {
    const value = Number(values[name] ?? usual);
    if (!Number.isInteger(value) || value < 0) throw new Error(`--${name} must be a whole number, not ${values[name]}`);
    return value;
  };
  const putBack = values['put-back'] === true;
  if (positionals.length > 0 && !putBack) throw new Error(`nothing is named ${positionals.join(', ')}`);
  if (values.mix !== undefined && !MIX_NAMES.includes(values.mix as MixName))
    throw new Error(`no mix is named ${values.mix}`);
  return {
    help: values.help === true,
    trace: values.trace === true,
    untilBroken: values['until-broken'] === true,
    putBack: putBack ? positionals : undefined,
    mixes: values.mix === undefined ? MIX_NAMES : [values.mix as MixName],
    schedules: whole('schedules', putBack ? 6000 : values.trace === true ? 1 : 1000),
    seed: whole('seed', 1),
  };
}

type Options = ReturnType<typeof readOptions>;

/** Plays the schedules, mix after mix for each seed; gives how many were played and how many broken. */
async function playAll({ mixes, schedules, seed, trace, untilBroken }: Options) {
  const counts = { schedules: 0, broken: 0, films: 0, pods: 0, requests: 0 };
  for (let at = seed; at < seed + schedules; at += 1) {
    for (const mix of mixes) {
      const outcome = await playSchedule(at, mix, trace);
      counts.schedules += 1;
      counts.films += outcome.counts.films;
      counts.pods += outcome.counts.pods;
      counts.requests += outcome.counts.requests;
      if (trace) console.log(outcome.trace.join('\n'));
      if (outcome.broken.length === 0) continue;
      counts.broken += 1;
      console.error(await describeBroken(outcome, trace ? 0 : 12));
      if (untilBroken) return counts;
    }
  }
  return counts;
}

try {
  const options = readOptions();
  if (options.help) console.log(HELP);
  else if (options.putBack !== undefined) {
    if (!putBackAll(options.putBack, options.schedules)) process.exitCode = 1;
  } else {
    const began = performance.now();
    const counts = await playAll(options);
    console.log(JSON.stringify({ ...counts, seconds: Math.round((performance.now() - began) / 100) / 10 }));
    if (counts.broken > 0) process.exitCode = 1;
  }
} catch (error) {
  console.error(`E_SIMULATE: ${error instanceof Error ? error.message : error}\n${HELP}`);
  process.exitCode = 2;
}
