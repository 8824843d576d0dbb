/** A stage whose thread loses its core for a while after it has made a cut and before it says that the step is done. */
import { CELLS } from '../../runner/pipeline/layout.ts';
import { runStageThread } from '../../runner/pipeline/stage-thread.ts';

const LATE_MILLISECONDS = 60;
const add = Atomics.add.bind(Atomics) as (cells: Int32Array, cell: number, value: number) => number;
const asleep = new Int32Array(new SharedArrayBuffer(4));

Object.assign(Atomics, {
  add(cells: Int32Array, cell: number, value: number): number {
    const before = add(cells, cell, value);
    if (cell === CELLS.cutsMade) Atomics.wait(asleep, 0, 0, LATE_MILLISECONDS);
    return before;
  },
});

runStageThread();
