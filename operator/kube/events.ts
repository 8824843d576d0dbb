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
  /** Resolves when everything recorded so far was sent or given up. */
  flush(): Promise<void>;
}

export interface RecorderOptions {
  readonly client: KubeClient;
  readonly controller: string;
  readonly instance: string;
  readonly now?: () => Date;
  readonly report?: (message: string) => void;
}

/** The API server refuses longer notes. */
const NOTE_LIMIT = 1024;
/** Repetitions within this time go into the series of the first event. */
const SERIES_MS = 360_000;
/** So many events of one object at once, then one in five minutes, as client-go does. */
const BURST = 25;
const PER_SECOND = 1 / 300;
const REMEMBERED = 4096;

interface Series {
  readonly name: string;
  readonly namespace: string;
  count: number;
  lastAt: number;
}

/** Makes a recorder that sends its events one after another in the background. */
export function createRecorder(options: RecorderOptions): EventRecorder {
  const now = options.now ?? (() => new Date());
  const series = new Map<string, Series>();
  const buckets = new Map<string, Bucket>();
  let sending: Promise<void> = Promise.resolve();
  let written = 0;

  const send = async (subject: EventSubject, note: EventNote) => {
    const at = now();
    const key = [subject.uid, note.type, note.reason, note.note].join('\n');
    const known = series.get(key);
    if (known !== undefined && at.getTime() - known.lastAt < SERIES_MS) {
      known.count += 1;
      known.lastAt = at.getTime();
      await repeat(options.client, known, at);
      return;
    }
    const name = `${subject.name.slice(0, 200)}.${at.getTime().toString(16)}-${written.toString(36)}`;
    written += 1;
    bound(series);
    series.set(key, { name, namespace: subject.namespace, count: 1, lastAt: at.getTime() });
    await options.client.call({
      method: 'POST',
      path: pathOf(EVENTS, { namespace: subject.namespace }),
      body: eventOf(options, subject, note, name, at),
    });
  };

  return {
    record(subject, note) {
      bound(buckets);
      const bucket = buckets.get(subject.uid) ?? createBucket(PER_SECOND, BURST, () => now().getTime());
      buckets.set(subject.uid, bucket);
      if (!bucket.take()) return;
      sending = sending
        .then(() => send(subject, note))
        .catch((error: unknown) => {
          const failure = failureOf(error);
          if (failure.kind !== 'terminating') options.report?.(`event ${note.reason}: ${failure.message}`);
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

function repeat(client: KubeClient, { name, namespace, count }: Series, at: Date): Promise<unknown> {
  return client.call({
    method: 'PATCH',
    path: pathOf(EVENTS, { namespace, name }),
    contentType: 'application/merge-patch+json',
    body: { series: { count, lastObservedTime: microTime(at) } },
  });
}

/** Forgets the oldest entry of a map that has grown too long. */
function bound(map: Map<string, unknown>): void {
  const [oldest] = map.keys();
  if (map.size >= REMEMBERED && oldest !== undefined) map.delete(oldest);
}
