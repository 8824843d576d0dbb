/**
 * Purpose of this folder: what the runner does on a real GPU, part by part. Every part runs in a process of its own under a time
 * limit, so that one that fails or hangs takes nothing from the others; figures are kept as they come.
 */

import { appendFileSync } from 'node:fs';
import type { Device } from '../../runner/ort/device.ts';
import { allDevices, type Devices, type Layout, layoutsOf } from './devices.ts';

/** What a part's process is given. */
export interface PartTask {
  readonly part: string;
  readonly kind: Device['kind'];
  /** A few tokens and layers: to try the program itself, not the device. */
  readonly small: boolean;
  /** Where weights are written, shared by the parts. */
  readonly folder: string;
  /** The file that figures are appended to, one JSON object a line. */
  readonly rows: string;
}

/** A figure, or why there is none. */
export interface Row {
  readonly name: string;
  readonly error?: string;
  /** What could not be measured here, though nothing is wrong. */
  readonly notRun?: string;
  /** Whether it is as wanted, and what is; absent where nothing is. */
  readonly holds?: boolean;
  readonly wanted?: string;
  readonly [value: string]: unknown;
}

/** What a part is run with. */
export interface PartContext extends PartTask {
  /** The device that everything but pipelines is measured on. Throws `E_DEVICE_…` where there is none that the runner would use. */
  device(): Device;
  /** Where so many stages are tried: on that device, and on several where there are. */
  layouts(stages: number): readonly Layout[];
  note(name: string, values: Readonly<Record<string, unknown>>): void;
  /** Notes what `run` gives, or the error that it throws; the part goes on either way. */
  attempt(
    name: string,
    run: () => Readonly<Record<string, unknown>> | Promise<Readonly<Record<string, unknown>>>,
  ): Promise<void>;
}

export function partContext(task: PartTask): PartContext {
  const started = performance.now();
  const write = (row: Row) => {
    const line = JSON.stringify({ ...row, atSeconds: Math.round((performance.now() - started) / 100) / 10 });
    appendFileSync(task.rows, `${line}\n`);
    console.log(line);
  };
  let found: Devices | undefined;
  const all = () => {
    found ??= allDevices(task.kind);
    return found;
  };
  return {
    ...task,
    device: () => all()[0],
    layouts: (stages) => layoutsOf(all(), stages),
    note: (name, values) => write({ ...values, name }),
    async attempt(name, run) {
      try {
        write({ ...(await run()), name });
      } catch (error) {
        write({ name, error: error instanceof Error ? error.message : String(error) });
      }
    },
  };
}
