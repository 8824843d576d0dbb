import { closeSync, cpSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { elementCount } from '../../runner/tensor.ts';
import { openModel } from '../../runner/weights/open-model.ts';

/** One number of one tensor, as it should not be. */
export interface Poison {
  readonly component: 'transformer' | 'text' | 'vae';
  readonly tensor: string;
  /** Which of the tensor's numbers. */
  readonly at: number;
  readonly value: number;
}

/** Copies a float32 model folder and puts one bad number into its weights. */
export function poisonedModel(source: string, target: string, { component, tensor, at, value }: Poison): void {
  rmSync(target, { recursive: true, force: true });
  cpSync(source, target, { recursive: true });
  const { folder, tensors } = openModel(target)[component];
  const entry = tensors.get(tensor);
  if (entry?.dtype !== 'F32' || at >= elementCount(entry.shape)) throw new Error(`no float32 ${tensor}[${at}]`);
  const file = openSync(join(folder, entry.file), 'r+');
  writeSync(file, Float32Array.of(value), 0, 4, entry.offset + at * 4);
  closeSync(file);
}
