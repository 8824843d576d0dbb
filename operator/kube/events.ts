import type { KubeClient } from './client.ts';
import { failureOf } from './failure.ts';
import { microTime } from './lease.ts';
import { type Bucket, createBucket } from './rate-limit.ts';
import { EVENTS, pathOf } from './resource.ts';

/** An object that an event is about. */
export interface EventSubject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

export interface EventNote {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly action: string;
  readonly note: string;
}

/** Writes Kubernetes events; never fails its caller. */
export interface EventRecorder {
  record(subject: EventSubject, note: EventNote): void;
  /** Resolves when everything recorded so far was sent or given up; at once after the signal. */
  flush(): Promise<void>;
}

export interface RecorderOptions {
  readonly client: KubeClient;
  readonly controller: string;
  readonly instance: string;
  /** After it nothing is written, not even what was recorded before. */
  readonly signal?: AbortSignal;
  readonly now?: () => Date;
  /** What budgets and series are measured by: no clock that can be put back. */
  readonly nowMs?: () => number;
  readonly warn?: (message: string) => void;
}

/** The API server refuses longer notes. */
const NOTE_LIMIT = 1024;
/** Repetitions within this time go into the series of the first event. */
const SERIES_MS = 360_000;
/** So many events of one object at once, then one in five minutes, as client-go does. */
const BURST = 25;
const PER_SECOND = 1 / 300;
const REMEMBERED = 4096;
/** Events that may wait to be written; beyond that they are lost, which events may be. */
const WAITING = 1024;

interface Series {
  readonly name: string;
  readonly namespace: string;
  count: number;
  lastAt: number;
}

/** Makes a recorder that sends its events one after another in the background. */
export function createRecorder(options: RecorderOptions): EventRecorder {
  const { now = () => new Date(), nowMs = () => performance.now() } = options;
  const series = new Map<string, Series>();
  const buckets = new Map<string, Bucket>();
  let sending: Promise<void> = Promise.resolve();
  let written = 0;
  let waiting = 0;
  const ended = () => options.signal?.aborted === true;

  const send = async (subject: EventSubject, note: EventNote) => {
    const at = now();
    const key = [subject.uid, note.type, note.reason, note.note].join('\n');
    const known = series.get(key);
    if (known !== undefined && nowMs() - known.lastAt < SERIES_MS) {
      known.count += 1;
      known.lastAt = nowMs();
      await repeat(options, known, at).catch((error: unknown) => {
        // Events are kept for an hour or so, and people may delete them: the next repetition is written anew.
        if (failureOf(error).kind === 'missing') series.delete(key);
        throw error;
      });
      return;
    }
    const name = `${subject.name.slice(0, 200)}.${at.getTime().toString(16)}-${written.toString(36)}`;
    written += 1;
    // Without its first event there is nothing to repeat.
    series.delete(key);
    await options.client.call({
      method: 'POST',
      path: pathOf(EVENTS, { namespace: subject.namespace }),
      body: eventOf(options, subject, note, name, at),
      signal: options.signal,
    });
    bound(series);
    series.set(key, { name, namespace: subject.namespace, count: 1, lastAt: nowMs() });
  };

  return {
    record(subject, note) {
      bound(buckets);
      const bucket = buckets.get(subject.uid) ?? createBucket(PER_SECOND, BURST, nowMs);
      buckets.set(subject.uid, bucket);
      if (ended() || waiting >= WAITING || !bucket.take()) return;
      waiting += 1;
      sending = sending
        .then(() => (ended() ? undefined : send(subject, note)))
        .catch((error: unknown) => {
          const { kind, message } = failureOf(error);
          if (kind !== 'terminating' && kind !== 'closed' && !ended())
            options.warn?.(`event ${note.reason}: ${message}`);
        })
        .then(() => {
          waiting -= 1;
        });
    },
    flush: () => sending,
  };
}

function eventOf(options: RecorderOptions, subject: EventSubject, note: EventNote, name: string, at: Date) {
  return {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: { name, namespace: subject.namespace },
    eventTime: microTime(at),
    reportingController: options.controller,
    reportingInstance: options.instance.slice(0, 128),
    regarding: subject,
    type: note.type,
    reason: note.reason,
    action: note.action,
    note: note.note.length > NOTE_LIMIT ? `${note.note.slice(0, NOTE_LIMIT - 1)}…` : note.note,
  };
}

function repeat({ client, signal }: RecorderOptions, { name, namespace, count }: Series, at: Date): Promise<unknown> {
  return client.call({
    method: 'PATCH',
    path: pathOf(EVENTS, { namespace, name }),
    contentType: 'application/merge-patch+json',
    body: { series: { count, lastObservedTime: microTime(at) } },
    signal,
  });
}

/** Forgets the oldest entry of a map that has grown too long. */
function bound(map: Map<string, unknown>): void {
  const [oldest] = map.keys();
  if (map.size >= REMEMBERED && oldest !== undefined) map.delete(oldest);
}
