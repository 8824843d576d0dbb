import { expect, test } from 'vitest';
import { exitCodeOf } from '#contract/error.ts';
import { endingOf, type Watched } from './ending.ts';

const WATCHED: Watched = {
  told: undefined,
  code: null,
  signal: null,
  asked: undefined,
  askedAgain: undefined,
  isLate: false,
  isOutOfMemory: false,
  framesReady: 9,
  framesTotal: 41,
  goingOn: undefined,
};
const GOING_ON = { iteration: 6, of: 20 };

/** An ending in short: the exit code, and what the parent says if it has to say anything. */
function short(watched: Partial<Watched>) {
  const ending = endingOf({ ...WATCHED, ...watched });
  if (ending.kind === 'told') return ending.exitCode;
  const { outcome, error, warnings } = ending;
  return [exitCodeOf(error), outcome, error.code, ...warnings];
}

test.each<{ what: string; watched: Partial<Watched>; ending: ReturnType<typeof short> }>([
  { what: 'a recorded result', watched: { told: 40, code: 40 }, ending: 40 },
  { what: 'a crash after the result was recorded', watched: { told: 0, signal: 'SIGSEGV' }, ending: 0 },
  { what: 'a second stop after it', watched: { told: 0, asked: 'SIGINT', askedAgain: 'SIGINT' }, ending: 0 },
  { what: 'a crash', watched: { signal: 'SIGSEGV' }, ending: [60, 'failed', 'E_CRASHED'] },
  { what: 'an abort', watched: { signal: 'SIGABRT' }, ending: [60, 'failed', 'E_CRASHED'] },
  { what: 'a file that was cut short', watched: { signal: 'SIGBUS' }, ending: [60, 'failed', 'E_FILE_LOST'] },
  { what: 'a kill', watched: { signal: 'SIGKILL' }, ending: [60, 'failed', 'E_KILLED'] },
  {
    what: 'a kill for lack of memory',
    watched: { signal: 'SIGKILL', isOutOfMemory: true },
    ending: [60, 'failed', 'E_OUT_OF_MEMORY'],
  },
  {
    what: 'a signal that somebody sent past the parent',
    watched: { signal: 'SIGTERM' },
    ending: [60, 'failed', 'E_KILLED'],
  },
  { what: 'an end without a word', watched: { code: 13 }, ending: [1, 'failed', 'E_ENDED'] },
  {
    what: 'a stop before the run could hear it',
    watched: { asked: 'SIGTERM', signal: 'SIGTERM' },
    ending: [10, 'stopped', 'E_STOPPED'],
  },
  {
    what: 'an interruption before the run could hear it',
    watched: { asked: 'SIGINT', signal: 'SIGINT' },
    ending: [130, 'stopped', 'E_INTERRUPTED'],
  },
  {
    what: 'a crash while it stopped',
    watched: { asked: 'SIGTERM', signal: 'SIGSEGV' },
    ending: [10, 'stopped', 'E_STOPPED', 'the run ended by SIGSEGV while it was stopping (please report it)'],
  },
  {
    what: 'a stop that took too long',
    watched: { asked: 'SIGTERM', signal: 'SIGKILL', isLate: true },
    ending: [10, 'stopped', 'E_STOPPED', 'the run did not stop in time and was ended'],
  },
  {
    what: 'a second SIGTERM',
    watched: { asked: 'SIGTERM', askedAgain: 'SIGTERM', signal: 'SIGKILL' },
    ending: [143, 'stopped', 'E_STOPPED_AT_ONCE'],
  },
  {
    what: 'Ctrl-C twice',
    watched: { asked: 'SIGINT', askedAgain: 'SIGINT', signal: 'SIGKILL' },
    ending: [130, 'stopped', 'E_INTERRUPTED_AT_ONCE'],
  },
  {
    what: 'Ctrl-C that took too long, with nothing to go on from',
    watched: { asked: 'SIGINT', signal: 'SIGKILL', isLate: true },
    ending: [130, 'stopped', 'E_INTERRUPTED', 'the run did not stop in time and was ended'],
  },
  {
    what: 'Ctrl-C that took too long, with a checkpoint',
    watched: { asked: 'SIGINT', signal: 'SIGKILL', isLate: true, goingOn: GOING_ON },
    ending: [10, 'stopped', 'E_STOPPED', 'the run did not stop in time and was ended'],
  },
  {
    what: 'Ctrl-C twice, with a checkpoint',
    watched: { asked: 'SIGINT', askedAgain: 'SIGINT', signal: 'SIGKILL', goingOn: GOING_ON },
    ending: [10, 'stopped', 'E_STOPPED', 'a second signal (SIGINT) ended the run at once'],
  },
  {
    what: 'a second SIGTERM, with a checkpoint',
    watched: { asked: 'SIGTERM', askedAgain: 'SIGTERM', signal: 'SIGKILL', goingOn: GOING_ON },
    ending: [10, 'stopped', 'E_STOPPED', 'a second signal (SIGTERM) ended the run at once'],
  },
  {
    what: 'a crash while it stopped by Ctrl-C, with a checkpoint',
    watched: { asked: 'SIGINT', signal: 'SIGSEGV', goingOn: GOING_ON },
    ending: [10, 'stopped', 'E_STOPPED', 'the run ended by SIGSEGV while it was stopping (please report it)'],
  },
  {
    what: 'a crash, with a checkpoint',
    watched: { signal: 'SIGSEGV', goingOn: GOING_ON },
    ending: [60, 'failed', 'E_CRASHED', 'started again, it goes on after iteration 6 of 20'],
  },
  {
    what: 'a kill, with a checkpoint',
    watched: { signal: 'SIGKILL', goingOn: GOING_ON },
    ending: [60, 'failed', 'E_KILLED', 'started again, it goes on after iteration 6 of 20'],
  },
])('$what', ({ watched, ending }) => expect(short(watched)).toEqual(ending));

test('a message says how far the film was, if that is known', () => {
  const message = (watched: Partial<Watched>) => {
    const ending = endingOf({ ...WATCHED, signal: 'SIGSEGV', ...watched });
    return ending.kind === 'untold' ? ending.error.message : '';
  };
  expect([message({}), message({ framesReady: 0, framesTotal: 0 })]).toEqual([
    expect.stringMatching(/^the runtime crashed \(SIGSEGV\) after 9 of 41 frames: /),
    expect.stringMatching(/^the runtime crashed \(SIGSEGV\) before the film was planned: /),
  ]);
});

test('a stop says where the film goes on, if there is a checkpoint', () => {
  const message = (watched: Partial<Watched>) => {
    const ending = endingOf({ ...WATCHED, asked: 'SIGINT', signal: 'SIGKILL', ...watched });
    return ending.kind === 'untold' ? ending.error.message : '';
  };
  expect([message({ goingOn: GOING_ON }), message({ goingOn: GOING_ON, askedAgain: 'SIGINT' }), message({})]).toEqual([
    'told to stop by SIGINT after 9 of 41 frames; started again, it goes on after iteration 6 of 20',
    'told to stop by SIGINT after 9 of 41 frames; started again, it goes on after iteration 6 of 20',
    'stopped by SIGINT after 9 of 41 frames',
  ]);
});
