/**
 * Makes the film of a job until it has made some iterations of its own, leaves its checkpoint, and prints when in the life of this
 * process the first block-step was done, in milliseconds.
 */
import { readFileSync } from 'node:fs';
import { jobSpecSchema } from '#contract/job-spec.ts';
import { generate } from '../../../runner/generate.ts';
import { createTracker } from '../../../runner/report/tracker.ts';

/** Some of the film is left for who goes on. */
const ITERATIONS = 4;

const tracker = createTracker(Date.now);
const stop = new AbortController();
let first: { readonly at: number; readonly iteration: number } | undefined;
const watched = {
  ...tracker,
  blockStep(done: number, iteration: number) {
    first ??= { at: process.uptime() * 1000, iteration };
    tracker.blockStep(done, iteration);
    if (iteration - first.iteration >= ITERATIONS) stop.abort();
  },
};
const nothing = () => undefined;
const io = {
  ...{ tracker: watched, changed: nothing, lanes: { read: () => [] } },
  ...{ published: nothing, kept: nothing, resumable: nothing },
};
const spec = jobSpecSchema.parse(JSON.parse(readFileSync(process.argv[2]!, 'utf8')));
await generate(spec, io, {}, stop.signal).catch((error: unknown) => {
  if (!stop.signal.aborted) throw error;
});
console.log(JSON.stringify({ milliseconds: first!.at, iteration: first!.iteration }));
