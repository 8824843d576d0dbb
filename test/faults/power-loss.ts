/** A film's folder after a loss of power at any moment of its making, and what a run that goes on there makes of it. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { type JobSpec, jobSpecSchema } from '#contract/job-spec.ts';
import { type BegunFilm, beginFilm } from '../../runner/begin-film.ts';
import { isPassedOver } from '../../runner/checkpoint/errors.ts';
import { iterationOfName, latentsName, stateName } from '../../runner/checkpoint/names.ts';
import { readCheckpoint } from '../../runner/checkpoint/read.ts';
import { earlierFilm } from '../../runner/output/earlier-film.ts';
import { type Ffmpeg, findFfmpeg } from '../../runner/output/ffmpeg.ts';
import { openFilm } from '../../runner/output/film.ts';
import { filmIdentity } from '../../runner/output/record.ts';
import { type PreparedJob, prepare } from '../../runner/prepare.ts';
import { createTracker } from '../../runner/report/tracker.ts';
import { keptBlock } from '../../runner/resume-film.ts';
import { openStore } from '../../runner/store/open.ts';
import { type DiskOperation, openDisk } from './disk.ts';
import { writeJob } from './film-input.ts';
import { startFilm } from './film-process.ts';

const FILM = { frames: 41, steps: 4, every: '0s', stages: 2 };
const RECORDER = pathToFileURL(join(import.meta.dirname, 'programs/record-writes.ts')).href;
/** Longer than a run may be silent before it counts as dead. */
const LONG_AGO_SECONDS = 1000;

/** All that two runs did to the disk: one that was stopped, and one that went on and finished the film. */
export interface Recording {
  /** File of the job. */
  readonly job: string;
  /** Where the film's folder `out` was made. */
  readonly folder: string;
  readonly operations: readonly DiskOperation[];
  /** Last full content of each name that is no film and no record: it has the same bits in each run. */
  readonly truth: ReadonlyMap<string, Buffer>;
}

/** Makes the film in `films/out` of a folder, and writes down what is done to the disk on the way. */
export async function recordFilm(folder: string): Promise<Recording> {
  const [films, log] = [join(folder, 'films'), join(folder, 'operations.jsonl')];
  mkdirSync(films);
  const out = join(films, 'out');
  const job = writeJob(folder, 'film', out, FILM);
  const environment = {
    NODE_OPTIONS: `--import=${RECORDER}`,
    DUALPARAL_TEST_RECORD: films,
    DUALPARAL_TEST_RECORD_TO: log,
  };
  const start = () => startFilm(['run', '--job', job], { cwd: folder, environment });
  const first = start();
  while (!existsSync(join(out, 'blocks/checkpoint/00001.m4s')) && first.living().length > 0) await sleep(5);
  first.kill('SIGTERM');
  const stopped = await first.ended;
  if (stopped.status !== 10) throw new Error(`the first run ended with ${stopped.status}: ${stopped.stderr}`);
  const { status, stderr } = await start().ended;
  if (status !== 0) throw new Error(`the second run ended with ${status}: ${stderr}`);
  const lines = readFileSync(log, 'utf8').trimEnd().split('\n');
  const operations = lines.map((line) => JSON.parse(line) as DiskOperation);
  return { job, folder: films, operations, truth: lastContents(operations, films) };
}

function lastContents(operations: readonly DiskOperation[], root: string): ReadonlyMap<string, Buffer> {
  const disk = openDisk(root);
  const truth = new Map<string, Buffer>();
  const dice = { share: () => 0, between: () => 0, pick: <T>(from: readonly T[]) => from[0]! };
  for (const operation of operations) {
    disk.apply(operation);
    if (operation.of !== 'rename') continue;
    truth.set(operation.path, disk.after('none', dice).get(operation.path)!);
  }
  return truth;
}

/** What must be there whatever the loss: the newest checkpoint that was written to its end, and the film. */
export interface Certain {
  readonly iteration: number | undefined;
  readonly isFilm: boolean;
}

/** What is certain after each of the operations: what was told to be written, and has not been removed. */
export function certainties({ operations, folder }: Recording): readonly Certain[] {
  const out = join(folder, 'out');
  const record = operations.findLastIndex((each) => each.of === 'rename' && each.path === join(out, 'video.json'));
  const filmSince = operations.findIndex(
    (each, index) => index > record && each.of === 'syncFolder' && each.path === out,
  );
  let renamed: readonly number[] = [];
  let certain: readonly number[] = [];
  return operations.map((operation, index) => {
    const { of } = operation;
    const path = 'path' in operation ? operation.path : '';
    const iteration = iterationOfName(`checkpoint/${basename(path)}`);
    if (of === 'rename' && iteration !== undefined) renamed = [...renamed, iteration];
    if (of === 'remove') renamed = renamed.filter((each) => each !== iteration);
    if (of === 'syncFolder' && path === join(out, 'checkpoint')) certain = renamed;
    certain = certain.filter((each) => renamed.includes(each));
    return { iteration: certain.length === 0 ? undefined : Math.max(...certain), isFilm: index >= filmSince };
  });
}

/** Looks at what a run would go on with. */
export interface Looker {
  readonly spec: JobSpec;
  readonly job: PreparedJob;
  readonly recording: Recording;
  readonly ffmpeg: Ffmpeg;
  /** Where the folders are laid out. */
  readonly scratch: string;
}

export async function openLooker(recording: Recording, scratch: string): Promise<Looker> {
  const text = readFileSync(recording.job, 'utf8');
  const asked = jobSpecSchema.parse(JSON.parse(text));
  const spec = { ...asked, output: { ...asked.output, folder: join(scratch, 'out') } };
  const [job, ffmpeg] = [await prepare(spec, {}, process.env), await findFfmpeg(process.env)];
  return { spec, job, ffmpeg, recording, scratch };
}

/** Lays out the folder as it was found; claims count as old, for a machine that lost its power is not back at once. */
export function layOut(files: ReadonlyMap<string, Buffer>, from: string, to: string): void {
  rmSync(to, { recursive: true, force: true });
  mkdirSync(to, { recursive: true });
  const long = Date.now() / 1000 - LONG_AGO_SECONDS;
  for (const [path, bytes] of files) {
    const place = join(to, relative(from, path));
    mkdirSync(dirname(place), { recursive: true });
    writeFileSync(place, bytes);
    utimesSync(place, long, long);
  }
}

/** What is wrong with going on from these files, in words; empty where nothing is. By the runner's own way of going on. */
export async function wrongsOf(
  looker: Looker,
  files: ReadonlyMap<string, Buffer>,
  certain: Certain,
): Promise<readonly string[]> {
  const { spec, job, ffmpeg, recording, scratch } = looker;
  layOut(files, recording.folder, scratch);
  const { plan } = job;
  const of = filmIdentity(spec, plan.precision, job.noiseDigest);
  const store = openStore(spec.output.folder);
  const film = await earlierFilm([store], of, () => undefined);
  if (film === undefined && certain.isFilm) return ['the finished film is lost'];
  if (film !== undefined && film.sha256 !== sha256(truthOf(looker, 'video.mp4'))) return ['another film is finished'];
  const picture = { ...spec.size, fps: spec.fps };
  try {
    await using writer = await openFilm({ store, ffmpeg, picture, of, precision: plan.precision, resumable: true });
    const io = { tracker: createTracker(() => performance.now()), resumable: () => undefined };
    const passedOver = new Set<string>();
    for (;;) {
      const begun = await beginFilm(writer, store, { spec, job, extras: {}, passedOver }, io);
      const iteration = begun.checkpoint?.manifest.iteration ?? -1;
      if (iteration < (certain.iteration ?? -1)) {
        return [`goes on after ${iteration}, ${certain.iteration} was written`];
      }
      try {
        return await othersIn(looker, begun);
      } catch (error) {
        if (!isPassedOver(error)) throw error;
        passedOver.add(begun.checkpoint!.path);
      }
    }
  } catch (error) {
    return [`does not go on: ${(error as Error).message}`];
  }
}

/** What a run would go on with that is not as the undisturbed one has it. */
async function othersIn(looker: Looker, { checkpoint, encoded }: BegunFilm): Promise<readonly string[]> {
  if (checkpoint === undefined) return [];
  const { iteration, finished } = checkpoint.manifest;
  const names = Array.from(
    { length: encoded },
    (_, block) => `blocks/checkpoint/${String(block).padStart(5, '0')}.m4s`,
  );
  const found = new Map<string, Buffer>(names.map((name) => [name, readFileSync(join(looker.scratch, 'out', name))]));
  const { blocks } = checkpoint.manifest.state;
  const states = new Map(blocks.map(({ block, bytes }) => [block, new Uint8Array(bytes)]));
  const state = (block: number) => new Float32Array(states.get(block)!.buffer);
  await readCheckpoint(checkpoint, { state, lastFinished: null });
  // Where denoising begins anew with the finished blocks that are left, there are no states.
  if (iteration >= 0) found.set(stateName(iteration), Buffer.concat([...states.values()]));
  for (const block of finished.keys()) {
    const { data } = await keptBlock(checkpoint, looker.job.plan, block);
    found.set(latentsName(block), Buffer.from(new Uint8Array(data.buffer)));
  }
  return [...found].filter(([name, bytes]) => !bytes.equals(truthOf(looker, name))).map(([name]) => `another ${name}`);
}

function truthOf({ recording: { folder, truth } }: Looker, name: string): Buffer {
  return truth.get(join(folder, 'out', name))!;
}

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
