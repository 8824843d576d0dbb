import type { WorkQueue } from './kube/queue.ts';
import type { Reflector } from './kube/reflector.ts';
import { createMetrics, type Metrics } from './telemetry/metrics.ts';

/** Everything that is counted. */
export interface Instruments {
  readonly metrics: Metrics;
  readonly apiCall: (method: string, status: number) => void;
  readonly round: (result: string, seconds: number) => void;
  readonly watchFailure: (kind: string) => void;
  readonly progress: (answer: string) => void;
}

export function createInstruments(): Instruments {
  const metrics = createMetrics();
  const calls = metrics.counter(
    'api_calls_total',
    'Answers of the API server by method and status; 0 is no answer.',
    'call',
  );
  const rounds = metrics.counter('rounds_total', 'Rounds of reconciliation by their result.', 'result');
  const seconds = metrics.counter('round_seconds_total', 'Time spent in rounds by their result.', 'result');
  const watches = metrics.counter('watch_failures_total', 'Failures of lists and watches by kind of object.', 'kind');
  const reports = metrics.counter('progress_reports_total', 'Progress records by how they were answered.', 'answer');
  return {
    metrics,
    apiCall: (method, status) => calls.add(`${method} ${status}`),
    round(result, took) {
      rounds.add(result);
      seconds.add(result, took);
    },
    watchFailure: (kind) => watches.add(kind),
    progress: (answer) => reports.add(answer),
  };
}

/** Numbers that are read from the parts when somebody asks. */
export function addGauges(
  { metrics }: Instruments,
  parts: {
    readonly queue: WorkQueue;
    readonly films: { readonly size: number };
    readonly inbox: { readonly size: number };
    readonly watches: ReadonlyMap<string, Reflector>;
    readonly isLeading: () => boolean;
  },
): void {
  metrics.gauge('queue_depth', 'Resources that wait for a worker.', () => parts.queue.depth);
  metrics.gauge('videogenerations', 'Resources known.', () => parts.films.size);
  metrics.gauge('reporting_pods', 'Pods whose last progress record is kept.', () => parts.inbox.size);
  metrics.gauge('leading', 'Whether this replica holds the lease.', () => (parts.isLeading() ? 1 : 0));
  metrics.gauge('silent_seconds', 'Longest time for which a watch has heard nothing.', () =>
    Math.max(0, ...[...parts.watches.values()].map((watch) => watch.silentForMs() / 1000)),
  );
  metrics.gauge('resident_bytes', 'Memory of the process.', () => process.memoryUsage.rss());
}
