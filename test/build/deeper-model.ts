import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { F32Tensor } from '../../runner/tensor.ts';
import { readTensors } from '../../runner/weights/read-tensors.ts';
import { safetensorsBytes } from '../../runner/weights/write-tensors.ts';

/** Copies a model folder and gives its transformer `layers` layers, by repeating those it has: enough for that many stages. */
export function deeperModel(source: string, target: string, layers: number): void {
  cpSync(source, target, { recursive: true });
  const configFile = join(target, 'transformer/config.json');
  const config = JSON.parse(readFileSync(configFile, 'utf8')) as { num_layers: number };
  const weightsFile = join(target, 'transformer/diffusion_pytorch_model.safetensors');
  const weights = readTensors(weightsFile);
  const tensors = new Map<string, F32Tensor>();
  for (const name of weights.names) {
    for (const copy of copiesOf(name, config.num_layers, layers)) tensors.set(copy, weights.f32(name));
  }
  writeFileSync(weightsFile, safetensorsBytes(tensors));
  writeFileSync(configFile, JSON.stringify({ ...config, num_layers: layers }));
}

/** Names that a tensor gets in the deeper model: every layer whose number leaves the same remainder. */
function copiesOf(name: string, present: number, wanted: number): readonly string[] {
  const [, layer, rest] = /^blocks\.(\d+)\.(.+)$/.exec(name) ?? [];
  if (layer === undefined) return [name];
  const copies: string[] = [];
  for (let at = Number(layer); at < wanted; at += present) copies.push(`blocks.${at}.${rest}`);
  return copies;
}
