import { setTimeout as delay } from 'node:timers/promises';
import type { Device } from '../ort/device.ts';
import { deviceFailureAt } from '../ort/errors.ts';
import { createPatience, LOOK_EVERY_MILLISECONDS, loadingPatience, type PatienceSettings } from '../thread/patience.ts';
import { startThread, type Thread } from '../thread/thread.ts';
import type { DecodeAsked, DecodeTask, DecodeTold, Frames } from './decode-worker.ts';
import { decodeError } from './errors.ts';
import { isTaking, mayAsk } from './hand-on.ts';
import type { Handed } from './hop.ts';

/** How the threads are started and watched. */
export interface ChainOptions {
  /** Thread entry. */
  readonly worker: URL;
  readonly patience: PatienceSettings | undefined;
}

/** The threads of a decoder's parts: each works at an item while the part before it is at the next. */
export interface Chain {
  /** Resolves once all are loaded; rejects as requests do. */
  readonly ready: Promise<void>;
  /** The frames of the next latent; null where it is replayed. */
  request(latent: Float32Array<ArrayBuffer>, isReplayed: boolean): Promise<Frames | null>;
  /** Fails what is asked for with the reason, and ends the threads, which may be at work. */
  close(reason: unknown): Promise<void>;
}

/** A part's thread, and how far it has come. */
interface Link {
  readonly device: Device;
  readonly thread: Thread<DecodeAsked>;
  /** Items that a latent is; 0 until it is loaded. */
  tiles: number;
  asked: number;
  taken: number;
  made: number;
  /** What it has made last. */
  handed: Handed | null;
  hasFailed: boolean;
}

/** A latent on its way. */
interface Wanted {
  readonly latent: Float32Array<ArrayBuffer>;
  readonly isReplayed: boolean;
  readonly answer: PromiseWithResolvers<Frames | null>;
}

/** How long the end of the threads waits for a copy between two of their devices; what they compute and load is cancelled before. */
const COPY_MILLISECONDS = 2000;
const LOOK_AGAIN_MILLISECONDS = 5;

/** Starts a thread for each part. */
export function startChain(tasks: readonly DecodeTask[], { worker, patience: settings }: ChainOptions): Chain {
  const ready = Promise.withResolvers<void>();
  const wanted = new Map<number, Wanted>();
  let requested = 0;
  let answered = 0;
  let failure: { readonly reason: unknown } | undefined;
  const links = tasks.map((task, part): Link => {
    const place = tasks.length === 1 ? 'the video decoder' : `part ${part + 1} of ${tasks.length} of the video decoder`;
    const thread = startThread<DecodeAsked, DecodeTold>({
      entry: worker,
      name: tasks.length === 1 ? 'decoder' : `decoder ${part}`,
      task,
      onTold: (told) => hear(links[part]!, told),
      died: (code) => decodeError('E_DECODE_THREAD', { code }),
      explain: (error) => deviceFailureAt(place, error),
    });
    const none = { tiles: 0, asked: 0, taken: 0, made: 0, handed: null, hasFailed: false };
    return { device: task.options.device, thread, ...none };
  });
  const last = links.at(-1)!;
  const watch = setInterval(lookFor(links, settings, fail), LOOK_EVERY_MILLISECONDS);
  for (const link of links) {
    link.thread.failed.catch((reason) => {
      link.hasFailed = true;
      fail(reason);
    });
  }
  ready.promise.catch(() => undefined);

  function hear(link: Link, told: DecodeTold): void {
    if (told.kind === 'ready') link.tiles = told.tiles;
    else if (told.kind === 'taken') link.taken += 1;
    else {
      link.made += 1;
      link.handed = told.handed;
      if (link === last && link.made % link.tiles === 0) answerNext(told.frames);
    }
    if (isLoaded()) ready.resolve();
    handOn();
  }

  function isLoaded(): boolean {
    return links.every(({ tiles }) => tiles > 0);
  }

  function answerNext(frames: Frames | null): void {
    wanted.get(answered)?.answer.resolve(frames);
    wanted.delete(answered++);
  }

  /** Asks every part that may go on. */
  function handOn(): void {
    if (failure !== undefined || !isLoaded()) return;
    for (const [part, link] of links.entries()) {
      if (!mayAsk(links, part, requested * link.tiles)) continue;
      const latent = wanted.get(Math.floor(link.asked / link.tiles))!;
      const given = part === 0 ? latent.latent : links[part - 1]!.handed!;
      link.asked += 1;
      link.thread.ask({ given, isReplayed: latent.isReplayed });
    }
  }

  function fail(reason: unknown): void {
    failure ??= { reason };
    ready.reject(failure.reason);
    for (const { answer } of wanted.values()) answer.reject(failure.reason);
    wanted.clear();
  }

  /** What a part has made is not given back while another copies it. */
  async function copiesOver(): Promise<void> {
    const until = performance.now() + COPY_MILLISECONDS;
    const isCopying = () => links.some(({ hasFailed }, part) => !hasFailed && isTaking(links, part));
    while (isCopying() && performance.now() < until) await delay(LOOK_AGAIN_MILLISECONDS);
  }

  let closed: Promise<void> | undefined;
  async function end(): Promise<void> {
    clearInterval(watch);
    for (const { thread } of links) thread.cancel();
    await copiesOver();
    await Promise.all(links.map(({ thread }) => thread.stop()));
  }

  return {
    ready: ready.promise,
    request(latent, isReplayed) {
      const answer = Promise.withResolvers<Frames | null>();
      // Nobody may be waiting at the moment of a failure; the next request tells of it.
      answer.promise.catch(() => undefined);
      if (failure !== undefined) answer.reject(failure.reason);
      else {
        wanted.set(requested++, { latent, isReplayed, answer });
        handOn();
      }
      return answer.promise;
    },
    close(reason) {
      fail(reason);
      closed ??= end();
      return closed;
    },
  };
}

/** Looks whether a part hangs, while it loads or at an item, and names its device. */
function lookFor(links: readonly Link[], settings: PatienceSettings | undefined, fail: (reason: unknown) => void) {
  const watched = links.map((link) => ({
    link,
    loading: loadingPatience(settings),
    patience: createPatience(settings),
  }));
  return () => {
    const now = performance.now();
    for (const { link, loading, patience } of watched) {
      const { tiles, asked, made, device } = link;
      const isLoaded = tiles > 0;
      const stuck = isLoaded ? patience.look(made, asked > made, now) : loading.look(0, true, now);
      if (stuck === undefined) continue;
      const values = { device: device.name, seconds: Math.round(stuck / 1000) };
      fail(decodeError(isLoaded ? 'E_DECODE_HUNG' : 'E_DECODE_LOAD_HUNG', values));
    }
  };
}
