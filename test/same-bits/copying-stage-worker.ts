/** Entry of a stage's thread that keeps its numbers as on CUDA, in this process's memory: every copy is one of C's. */
import { openNative } from '../../runner/ort/native-library.ts';
import { runStageThread } from '../../runner/pipeline/stage-thread.ts';

const library = openNative('libc.so.6');
if ('problem' in library) throw new Error(library.problem);
const copy = library.bind('memcpy', 'ppz');
const set = library.bind('memset', 'piz');

runStageThread(undefined, () => ({
  copy: (from, to, bytes) => void copy(to, from, bytes),
  pull: (_device, from, to, bytes) => void copy(to, from, bytes),
  copyRows(from, to, bytes, count) {
    for (let row = 0; row < count; row++) {
      copy(to.address + BigInt(row * to.pitch), from.address + BigInt(row * from.pitch), bytes);
    }
  },
  clear: (at, bytes) => void set(at, 0, bytes),
  release: () => {},
}));
