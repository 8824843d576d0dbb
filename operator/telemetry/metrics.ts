/** A number that only grows, per value of its label. */
export interface Counter {
  add(label: string, by?: number): void;
}

/** Numbers about the operator itself, in Prometheus' text format. Labels never hold names of objects. */
export interface Metrics {
  counter(name: string, help: string, label: string): Counter;
  /** A number that is asked for when somebody looks. */
  gauge(name: string, help: string, read: () => number): void;
  text(): string;
}

interface Series {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge';
  readonly lines: () => readonly string[];
}

const PREFIX = 'dualparal_operator_';

export function createMetrics(): Metrics {
  const series: Series[] = [];
  return {
    counter(name, help, label) {
      const values = new Map<string, number>();
      const lines = () =>
        [...values].map(([value, count]) => `${PREFIX}${name}{${label}="${escaped(value)}"} ${count}`);
      series.push({ name, help, type: 'counter', lines });
      return { add: (value, by = 1) => void values.set(value, (values.get(value) ?? 0) + by) };
    },
    gauge(name, help, read) {
      series.push({ name, help, type: 'gauge', lines: () => [`${PREFIX}${name} ${read()}`] });
    },
    text() {
      const blocks = series.map(({ name, help, type, lines }) =>
        [`# HELP ${PREFIX}${name} ${help}`, `# TYPE ${PREFIX}${name} ${type}`, ...lines()].join('\n'),
      );
      return `${blocks.join('\n')}\n`;
    },
  };
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
