import type { WorkQueue } from './kube/queue.ts';
import type { Reflector } from './kube/reflector.ts';
import { createHeldSeconds, filmsByState } from './telemetry/films.ts';
import { createMetrics, type Metrics } from './telemetry/metrics.ts';

/** Everything that is counted. */
export interface Instruments {
  readonly metrics: Metrics;
  readonly apiCall: (method: string, status: number) => void;
  readonly round: (result: string, seconds: number) => void;
  /** A resource has waited for a worker. */
  readonly waited: (seconds: number) => void;
  /** An attempt has ended, and its end was written down. */
  readonly attemptEnded: (outcome: string) => void;
  readonly jobStarted: () => void;
  /** What attempts that have ended have cost, and what of it is not in a film. */
  readonly spent: (seconds: { readonly gpuSeconds: number; readonly lostGpuSeconds: number }) => void;
  readonly watchFailure: (kind: string) => void;
  readonly watchRestart: (kind: string) => void;
  readonly progress: (answer: string) => void;
}

export function createInstruments(): Instruments {
  const metrics = createMetrics();
  const calls = metrics.counter('api_calls_total', 'Answers of the API server; status 0 is no answer.', [
    'method',
    'status',
  ]);
  const rounds = metrics.counter('rounds_total', 'Rounds of reconciliation by their result.', ['result']);
  const seconds = metrics.seconds('round_seconds', 'How long rounds of reconciliation took.', ['result']);
  const waits = metrics.seconds('queue_wait_seconds', 'How long resources waited for a worker.', []);
  const jobs = metrics.counter('jobs_started_total', 'Jobs that were made.', []);
  const attempts = metrics.counter(
    'attempts_total',
    'Attempts that have ended, by how: Succeeded, Failed, or Disrupted where the cluster took them away.',
    ['outcome'],
  );
  const computed = metrics.counter(
    'attempt_gpu_seconds_total',
    'GPUs times the seconds that containers of attempts ran, counted when an end is written down.',
    [],
  );
  const lost = metrics.counter(
    'lost_gpu_seconds_total',
    'Of attempt_gpu_seconds_total what is in no film: computed again by a later attempt, or of a film that has failed.',
    [],
  );
  const failures = metrics.counter('watch_failures_total', 'Failures of lists and watches by kind of object.', [
    'kind',
  ]);
  const restarts = metrics.counter('watch_restarts_total', 'Watches that were opened again by kind of object.', [
    'kind',
  ]);
  const reports = metrics.counter('progress_reports_total', 'Progress records by how they were answered.', ['answer']);
  return {
    metrics,
    apiCall: (method, status) => calls({ method, status: String(status) }),
    round(result, took) {
      rounds({ result });
      seconds({ result }, took);
    },
    waited: (took) => waits({}, took),
    attemptEnded: (outcome) => attempts({ outcome }),
    jobStarted: () => jobs({}),
    spent({ gpuSeconds, lostGpuSeconds }) {
      computed({}, gpuSeconds);
      lost({}, lostGpuSeconds);
    },
    watchFailure: (kind) => failures({ kind }),
    watchRestart: (kind) => restarts({ kind }),
    progress: (answer) => reports({ answer }),
  };
}

/** The least of a film that is counted. */
interface Film {
  readonly status?: { readonly phase?: string; readonly reason?: string | undefined };
}

/** Numbers that are read from the parts when somebody asks. */
export function addGauges(
  { metrics }: Instruments,
  parts: {
    readonly queue: WorkQueue;
    readonly resources: { readonly size: number; list(): readonly Film[] };
    readonly inbox: { readonly size: number };
    readonly watches: ReadonlyMap<string, Reflector>;
    /** GPUs of pods that hold theirs. */
    readonly gpusHeld: () => number;
    readonly isLeading: () => boolean;
  },
): void {
  metrics.gauge('queue_depth', 'Resources that wait for a worker.', () => parts.queue.depth);
  metrics.gauge('videogenerations', 'Resources known.', () => parts.resources.size);
  metrics.gauges('films', 'Resources by phase, and by why they wait or failed.', ['phase', 'reason'], () =>
    filmsByState(parts.resources.list().map(({ status }) => ({ phase: status?.phase ?? '', reason: status?.reason }))),
  );
  metrics.gauge('reporting_pods', 'Pods whose last progress record is kept.', () => parts.inbox.size);
  metrics.gauge('leading', 'Whether this replica holds the lease.', () => (parts.isLeading() ? 1 : 0));
  metrics.gauge('silent_seconds', 'Longest time for which a watch has heard nothing.', () =>
    Math.max(0, ...[...parts.watches.values()].map((watch) => watch.silentForMs() / 1000)),
  );
  metrics.gauge('resident_bytes', 'Memory of the process.', () => process.memoryUsage.rss());
  addGpus(metrics, parts);
}

/** What is held is looked at so often to be added up. */
const HELD_MS = 5_000;

/** Of two replicas, the one that leads tells. */
function addGpus(
  metrics: Metrics,
  { gpusHeld, isLeading }: { readonly gpusHeld: () => number; readonly isLeading: () => boolean },
): void {
  const held = () => (isLeading() ? gpusHeld() : 0);
  const heldSince = createHeldSeconds(held, () => performance.now());
  const total = metrics.counter('gpu_seconds_total', 'Seconds for which GPUs were held, times their number.', []);
  setInterval(() => total({}, heldSince()), HELD_MS).unref();
  metrics.gauge('gpus_held', 'GPUs that pods of films hold now.', held);
}
