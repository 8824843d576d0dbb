/**
 * Makes the film of a job and writes down, after each block-step, what the run reports of itself and what the counters of its stages
 * say; kills itself, as SIGKILL does, after so many block-steps of its own (0: never), once all of them are reported.
 */
import { appendFileSync, readFileSync } from 'node:fs';
import { jobSpecSchema } from '#contract/job-spec.ts';
import { generate } from '../../../runner/generate.ts';
import { createTracker, type Lane } from '../../../runner/report/tracker.ts';

const [job, log, killAfter] = [process.argv[2]!, process.argv[3]!, Number(process.argv[4])];
const tracker = createTracker(Date.now);
const lanes = { read: (): readonly Lane[] => [] };
let own = 0;
const counted = {
  ...tracker,
  blockStep(done: number, iteration: number) {
    tracker.blockStep(done, iteration);
    own += 1;
    const { blockSteps, resumedFrom, checkpoint } = tracker.record();
    const items = lanes.read().map(({ itemsDone }) => itemsDone);
    appendFileSync(log, `${JSON.stringify({ blockSteps, resumedFrom, checkpoint, own, items })}\n`);
    if (killAfter > 0 && own >= killAfter && items.at(-1) === blockSteps) process.kill(process.pid, 'SIGKILL');
  },
};
const nothing = () => undefined;
const io = { tracker: counted, changed: nothing, lanes, published: nothing, kept: nothing, resumable: nothing };
const spec = jobSpecSchema.parse(JSON.parse(readFileSync(job, 'utf8')));
await generate(spec, io, {}, new AbortController().signal);
