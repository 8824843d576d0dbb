/** A film's process that ends in an odd way, for tests of its parent: what it does is its second argument. */
import { setTimeout as sleep } from 'node:timers/promises';
import { tellParent } from '../../../runner/cli/parent-link.ts';

const stuck = () => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
const WAYS: Readonly<Record<string, () => void>> = {
  'over, then stuck': () => {
    tellParent({ kind: 'over', exitCode: 40 });
    stuck();
  },
  'recorded, then crashed': () => {
    tellParent({ kind: 'recorded', exitCode: 0 });
    process.kill(process.pid, 'SIGSEGV');
  },
  'ended without a word': () => process.exit(3),
  'crashed after a checkpoint': () => {
    tellParent({ kind: 'resumable', from: { iteration: 6, of: 20 } });
    process.kill(process.pid, 'SIGSEGV');
  },
  'crashed after its checkpoint was gone': () => {
    tellParent({ kind: 'resumable', from: { iteration: 6, of: 20 } });
    tellParent({ kind: 'resumable', from: null });
    process.kill(process.pid, 'SIGSEGV');
  },
  'crashed at frame 9': () => {
    tellParent({ kind: 'progress', framesReady: 9, framesTotal: 41 });
    process.kill(process.pid, 'SIGSEGV');
  },
};

WAYS[process.argv[3] ?? '']?.();
await sleep(60_000);
