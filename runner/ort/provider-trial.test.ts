import { expect, test } from 'vitest';
import { problemsIn, type TrialLine } from './provider-trial.ts';

const PROVIDER = '/a folder/libonnxruntime_providers_cuda.so';
const logged = (file: string, words: string) =>
  `\x1b[1;31m2026-11-28 [E:onnxruntime:dualparal, bridge.cc:2146 Create] FAIL : Failed to load library ${PROVIDER} with error: ${file}: ${words}\n\x1b[m\n`;
const end = (lines: readonly TrialLine[], more: object = {}) => ({
  told: lines.map((line) => `${JSON.stringify(line)}\n`).join(''),
  ...{ stderr: '', status: 0, signal: null },
  ...more,
});
const refused = [{ at: 'libcudnn.so.9' }, { at: PROVIDER }, { problem: 'Failed to load shared library' }];

test.each([
  ['all that loads is no problem', end([{ at: 'libcudart.so.13' }, { at: PROVIDER }]), []],
  [
    'a library that is not there is told by its name, one that does not load with the reason',
    end([
      { at: 'libcudart.so.13' },
      { problem: 'Failed to load shared library: cannot open shared object file: No such file or directory' },
      { at: 'libcublas.so.13' },
      { problem: 'Failed to load shared library: file too short' },
      { at: 'libcurand.so.10' },
    ]),
    ['libcudart.so.13', 'libcublas.so.13 (Failed to load shared library: file too short)'],
  ],
  [
    'a provider that does not load is told with the words of the loader, which only the log has',
    end(refused, { stderr: logged(PROVIDER, 'undefined symbol: no_such_thing') }),
    [`${PROVIDER} (undefined symbol: no_such_thing)`],
  ],
  [
    'a provider that lacks a library is told with the name of that',
    end(refused, { stderr: logged('libnew.so.1', 'cannot open shared object file: No such file or directory') }),
    [`${PROVIDER} (libnew.so.1: cannot open shared object file: No such file or directory)`],
  ],
  [
    "without the loader's words the runtime's have to do",
    end(refused),
    [`${PROVIDER} (Failed to load shared library)`],
  ],
  [
    'a library that ended its process is damaged',
    end([{ at: 'libcudart.so.13' }, { at: 'libcublas.so.13' }], { status: null, signal: 'SIGBUS' }),
    ['libcublas.so.13 (a process that loaded it ended by SIGBUS: it, or what it needs, is damaged)'],
  ],
  [
    'a library that ended its process with an exit code is told with it',
    end([{ at: PROVIDER }], { status: 127 }),
    [`${PROVIDER} (a process that loaded it ended with exit code 127)`],
  ],
  ['a process that somebody else ended says nothing', end([{ at: PROVIDER }], { status: null, signal: 'SIGKILL' }), []],
  ['a process that never began says nothing', end([], { status: 1 }), []],
])('%s', (_, trial, problems) => {
  expect(problemsIn(trial)).toEqual(problems);
});
