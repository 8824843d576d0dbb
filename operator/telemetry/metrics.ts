import { Counter, Gauge, Histogram, Registry } from '@prometheus-io/client';

/** Values of a series' labels, by their names. Labels never hold names of objects. */
export type Labels = Readonly<Record<string, string>>;

/** Numbers about the operator itself, in Prometheus' text format. */
export interface Metrics {
  /** A number that only grows. */
  counter(name: string, help: string, labels: readonly string[]): (labels: Labels, by?: number) => void;
  /** How long something took, in seconds. */
  seconds(name: string, help: string, labels: readonly string[]): (labels: Labels, seconds: number) => void;
  /** A number that is asked for when somebody looks. */
  gauge(name: string, help: string, read: () => number): void;
  /** The same for each value of some labels; those that are not told any more are gone. */
  gauges(name: string, help: string, labels: readonly string[], read: () => readonly Told[]): void;
  text(): Promise<string>;
}

export interface Told {
  readonly labels: Labels;
  readonly value: number;
}

const PREFIX = 'dualparal_operator_';
/** From a look at memory to an API server that has to be asked several times over. */
const SECONDS = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100];

/** Makes an empty set of numbers. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  const named = (name: string, help: string, labels: readonly string[] = []) => ({
    ...{ name: `${PREFIX}${name}`, help, labelNames: [...labels], registers: [registry] },
  });
  return {
    counter(name, help, labels) {
      const counter = new Counter(named(name, help, labels));
      return (of, by = 1) => counter.inc(of, by);
    },
    seconds(name, help, labels) {
      const histogram = new Histogram({ ...named(name, help, labels), buckets: SECONDS });
      return (of, seconds) => histogram.observe(of, seconds);
    },
    gauge(name, help, read) {
      const gauge: Gauge<string> = new Gauge({ ...named(name, help), collect: () => gauge.set(read()) });
    },
    gauges(name, help, labels, read) {
      const collect = () => {
        gauge.reset();
        for (const { labels: of, value } of read()) gauge.set(of, value);
      };
      const gauge: Gauge<string> = new Gauge({ ...named(name, help, labels), collect });
    },
    text: () => registry.metrics(),
  };
}
