import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readTensors } from '../../runner/weights/read-tensors.ts';
import { type Ended, killQuietly, ROOT, startFilm } from '../faults/film-process.ts';
import { judged, MOST_GOLDEN, MOST_RELATIVE, relativeWithin, sameBits } from './judge.ts';
import { errors } from './measure.ts';
import type { PartContext } from './part.ts';

const LATENTS = 'latents.safetensors';
/** Shares of the undisturbed film's time at which the next one is killed, one after the other. */
const KILLS = [0.5, 0.7, 0.8];
type Precision = 'float32' | 'bfloat16';
/** Against the processor in float32: the bounds of the reference runs, of which every film has the same graphs. */
const MOST: Readonly<Record<Precision, number>> = { float32: MOST_GOLDEN, bfloat16: MOST_RELATIVE.film.BF16 };
const FIRST = 'the first';
const DONE = 'was done before';

/** Films of the tiny model from prompt to mp4, by the command line: against the processor's, twice the same, and the same through kills. */
export async function run({ attempt, folder, kind, small }: PartContext): Promise<void> {
  const at = join(folder, 'whole-film');
  mkdirSync(at);
  const make = filmMaker(at, kind, small);
  const cpu = filmMaker(at, 'cpu', small);
  const wanted = await cpu('on-processor', 'float32').ended.then((ended) => latentsOf(at, 'on-processor', ended));
  for (const precision of kind === 'cpu' ? (['float32'] as const) : (['float32', 'bfloat16'] as const)) {
    const first = `${precision}-1`;
    let seconds = 0;
    const near = (name: string, ended: Ended) => {
      const found = errors(latentsOf(at, name, ended), wanted);
      return { ...found, verdict: relativeWithin(found, MOST[precision]) };
    };
    await attempt(`a film from prompt to mp4 in ${precision}, against the processor in float32`, async () => {
      const started = performance.now();
      const ended = await make(first, precision).ended;
      seconds = (performance.now() - started) / 1000;
      const { verdict, ...found } = near(first, ended);
      return {
        seconds,
        result: ended.record,
        ...found,
        ...judged(verdict, computedIn(precision, ended), madeOn(kind, ended)),
      };
    });
    const undisturbed = digests(at, first);
    const again = `${precision}-2`;
    await attempt(`the same film again in ${precision}`, async () => {
      const ended = await make(again, precision).ended;
      const { verdict, ...found } = near(again, ended);
      const isSame = digests(at, again) === undisturbed;
      return { status: ended.status, ...found, sameBits: isSame, ...judged(verdict, sameBits(isSame, FIRST)) };
    });
    const stopped = `${precision}-killed`;
    await attempt(`the same film through kills in ${precision}`, async () => {
      const kills: string[] = [];
      for (const share of KILLS) kills.push(await killed(make(stopped, precision), share * seconds));
      const ended = await make(stopped, precision).ended;
      const { verdict, ...found } = near(stopped, ended);
      const goneOn = /going on after iteration \d+/.exec(ended.stdout)?.[0] ?? 'began anew';
      const isSame = digests(at, stopped) === undisturbed;
      const wasKilled = { wanted: 'killed at least once', holds: kills.some((phase) => phase !== DONE) };
      const verdicts = judged(verdict, sameBits(isSame, FIRST), wasKilled);
      return { kills, status: ended.status, goneOn, ...found, sameBits: isSame, ...verdicts };
    });
  }
}

/** The record says what the film was computed in. */
function computedIn(precision: Precision, { record }: Ended) {
  return { wanted: `computed in ${precision}`, holds: record?.film?.precision?.sampling === precision };
}

/** The plan that the run tells names the devices of its stages. */
export function madeOn(kind: 'cpu' | 'cuda', { stdout }: Pick<Ended, 'stdout'>) {
  const [, stages = ''] = /"stages":(\[.*?\])/.exec(stdout) ?? [];
  const devices = [...stages.matchAll(/"device":"([^"]*)"/g)].map(([, device]) => device!);
  return { wanted: `made on ${kind}`, holds: devices.length > 0 && devices.every((device) => device.startsWith(kind)) };
}

/** Starts the film into a folder of that name. Checkpoints are written as often as they can be. */
function filmMaker(at: string, kind: 'cpu' | 'cuda', small: boolean) {
  return (name: string, precision: Precision) => {
    const spec = {
      prompt: 'a red circle moving right on a dark background',
      seed: 42,
      length: { frames: small ? 41 : 161 },
      size: { width: 96, height: 96 },
      model: { ref: join(ROOT, 'models/tiny') },
      sampling: { steps: small ? 4 : 12, flowShift: 1.5, guidanceScale: 1, precision },
      checkpoint: { every: '0s' },
      parallelism: { gpus: 1, blockLatents: 8, contextLatents: 4, stride: 3 },
    };
    const manifest = { apiVersion: 'dualparal.io/v1alpha1', kind: 'VideoGeneration', metadata: { name: 'film' }, spec };
    const file = join(at, `${precision}.json`);
    writeFileSync(file, JSON.stringify(manifest));
    mkdirSync(join(at, name), { recursive: true });
    const args = ['generate', '-f', file, '-o', 'out', '--latents', LATENTS, '--device', kind, '--json'];
    return startFilm(args, { cwd: join(at, name), environment: filmEnvironment(process.env) });
  };
}

/** Variables that a film of this part does not inherit: its cache is its own, and it computes on what the part names, not on stand-ins. */
const OWN = ['HOME', 'DUALPARAL_DEVICE', 'DUALPARAL_STANDIN_GPUS'];

/** The film's variables are the part's own: which devices are visible, and where libraries lie. Its caches are not. */
export function filmEnvironment(environment: NodeJS.ProcessEnv): Record<string, string> {
  const kept = Object.entries(environment).filter(([name]) => !OWN.includes(name) && !name.startsWith('XDG_'));
  return Object.fromEntries(kept.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}

function latentsOf(at: string, name: string, { status, stderr, record }: Ended): Float32Array {
  const why =
    record?.error === undefined ? stderr.trimEnd().slice(-600) : `${record.error.code}: ${record.error.message}`;
  if (status !== 0) throw new Error(`ended with ${status}: ${why}`);
  return readTensors(join(at, name, LATENTS)).f32('latents').data;
}

function digests(at: string, name: string): string {
  const files = [join(at, name, 'out/video.mp4'), join(at, name, LATENTS)];
  try {
    return files.map((file) => createHash('sha256').update(readFileSync(file)).digest('hex')).join(' ');
  } catch (error) {
    return `${name}: ${(error as Error).message}`;
  }
}

/** Kills the process that makes the film after so many seconds: what it was at, or that it was done before. */
async function killed(film: ReturnType<typeof startFilm>, seconds: number): Promise<string> {
  const isOver = await Promise.race([film.ended.then(() => true), sleep(1000 * seconds).then(() => false)]);
  if (isOver) return DONE;
  const child = film.child();
  killQuietly(child ?? film.pid);
  const { stdout } = await film.ended;
  return [...stdout.matchAll(/"phase":"(\w+)"/g)].at(-1)?.[1] ?? 'the start';
}
