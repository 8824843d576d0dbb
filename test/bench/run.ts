/**
 * Purpose of this folder: what we are measured by, as ratios of one run; README.md says against what. This file is `npm run bench -- [NAME…]`.
 * It runs `run-here.ts`, which may compute for minutes without hearing a signal, in a process of its own, and on a signal ends
 * that with all that it has started and left.
 */
import { join } from 'node:path';
import { outputFailure } from '../../runner/cli/lost-screen.ts';
import { runProcess } from '../gpu/run-process.ts';
import { untilStopped } from '../gpu/until-stopped.ts';
import { FAILED } from './run-bench.ts';

const { found, stopCode } = await untilStopped('dualparal-bench-', ({ signal, folder }) =>
  runProcess({
    command: [
      ...[process.execPath, ...process.execArgv, join(import.meta.dirname, 'run-here.ts')],
      ...process.argv.slice(2),
    ],
    environment: { ...process.env, TMPDIR: folder },
    told: (chunk, stream) => process[stream].write(chunk),
    signal,
  }),
);
process.exitCode = stopCode ?? found.code ?? FAILED;
if (stopCode !== undefined || found.code === null) console.error(`E_BENCH_ENDED: ${found.end}`);
const lost = outputFailure();
if (lost !== undefined) {
  console.error(`E_BENCH_SCREEN: not all was printed: ${lost}`);
  process.exitCode ||= FAILED;
}
