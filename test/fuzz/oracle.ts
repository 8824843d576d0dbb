/**
 * What an accepted model must be, read from its files by other means than the program's own: plain `JSON.parse`, no checks, and
 * the true shapes that the files were made with.
 */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { TensorEntry } from '../../runner/tensor.ts';
import type { Model } from '../../runner/weights/open-model.ts';
import type { ComponentWeights } from '../../runner/weights/shards.ts';
import type { MicroModel } from './micro-model.ts';

const ELEMENT_BYTES: Readonly<Record<string, number>> = { F32: 4, F16: 2, BF16: 2 };

/** Says in what the program's view of an accepted model differs from the truth; undefined when in nothing. */
export function findLie(folder: string, model: Model, { shapes }: MicroModel): string | undefined {
  const { transformer, transformer2, text, vae } = model;
  const parts = { transformer, transformer_2: transformer2, text_encoder: text, vae };
  for (const [name, wanted] of Object.entries(shapes)) {
    const weights = parts[name as keyof typeof parts];
    if (weights === null) return `${name} is not there`;
    const lie = tensorLie(weights, wanted);
    if (lie !== undefined) return `${name}: ${lie}`;
  }
  return configLie(folder, model);
}

interface RawEntry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

/** Where a file puts a tensor. */
interface Place {
  readonly name: string;
  readonly path: string;
  readonly begin: number;
  readonly end: number;
}

function tensorLie(weights: ComponentWeights, wanted: ReadonlyMap<string, readonly number[]>): string | undefined {
  const files = new Map<string, RawFile>();
  const places: Place[] = [];
  for (const [name, shape] of wanted) {
    const entry = weights.tensors.get(name);
    if (entry === undefined) return `${name} is missing`;
    const path = join(weights.folder, entry.file);
    if (!files.has(path)) files.set(path, readRaw(path));
    const { raw, start, size } = files.get(path)!;
    // In a text encoder, the embedding may go by another name.
    const stored = raw[name] ?? raw['encoder.embed_tokens.weight'];
    if (stored === undefined) return `${name} is not in ${entry.file}`;
    const [begin, end] = stored.data_offsets.map((offset) => start + offset) as [number, number];
    const lie = entryLie(entry, shape, [stored.dtype, begin, end]);
    if (lie !== undefined) return `${name} ${lie}`;
    if (end > size) return `${name} ends at byte ${end} of ${size}`;
    places.push({ name, path, begin, end });
  }
  return overlap(places);
}

function entryLie(
  entry: TensorEntry,
  shape: readonly number[],
  place: readonly (string | number)[],
): string | undefined {
  if (JSON.stringify(entry.shape) !== JSON.stringify(shape)) return `is [${entry.shape}], truly [${shape}]`;
  const bytes = shape.reduce((product, axis) => product * axis, ELEMENT_BYTES[entry.dtype] ?? Number.NaN);
  if (entry.byteLength !== bytes) return `has ${entry.byteLength} bytes, its shape needs ${bytes}`;
  const found = [entry.dtype, entry.offset, entry.offset + entry.byteLength];
  return JSON.stringify(found) === JSON.stringify(place) ? undefined : `is read as ${found}, the file says ${place}`;
}

interface RawFile {
  readonly raw: Readonly<Record<string, RawEntry>>;
  readonly start: number;
  readonly size: number;
}

function readRaw(path: string): RawFile {
  const bytes = readFileSync(path);
  const start = 8 + Number(bytes.readBigUInt64LE(0));
  return { raw: JSON.parse(bytes.subarray(8, start).toString()), start, size: statSync(path).size };
}

function overlap(places: readonly Place[]): string | undefined {
  const inOrder = places.toSorted((a, b) => a.path.localeCompare(b.path) || a.begin - b.begin);
  const at = inOrder.findIndex(({ path, begin }, index) => {
    const before = inOrder[index - 1];
    return before !== undefined && before.path === path && begin < before.end;
  });
  return at === -1 ? undefined : `${inOrder[at]!.name} lies over ${inOrder[at - 1]!.name}`;
}

/** Every number of the configs that the program computes with, by the field that it must come from. */
function configLie(folder: string, { config }: Model): string | undefined {
  const json = (file: string) => JSON.parse(readFileSync(join(folder, file), 'utf8'));
  const { transformer: t, transformer2: t2, vae, text, scheduler, boundaryRatio } = config;
  const expert = (e: typeof t | null, raw: Record<string, unknown>) => [
    [e?.layers, raw.num_layers],
    [e?.heads, raw.num_attention_heads],
    [e?.headWidth, raw.attention_head_dim],
    [e?.feedForwardWidth, raw.ffn_dim],
    [e?.latentChannels, raw.in_channels],
    [e?.latentChannels, raw.out_channels],
    [e?.textWidth, raw.text_dim],
    [e?.timeWidth, raw.freq_dim],
    [e?.epsilon, raw.eps],
    [e?.maxPositions, raw.rope_max_seq_len ?? 1024],
  ];
  const index = json('model_index.json');
  const v = json('vae/config.json');
  const x = json('text_encoder/config.json');
  const s = json('scheduler/scheduler_config.json');
  const isEuler = (index.scheduler?.[1] ?? s._class_name) === 'FlowMatchEulerDiscreteScheduler';
  const pairs = [
    ...expert(t, json('transformer/config.json')),
    ...expert(t2, json('transformer_2/config.json')),
    [boundaryRatio, index.boundary_ratio],
    [vae.latentChannels, v.z_dim],
    [vae.baseWidth, v.decoder_base_dim ?? v.base_dim],
    [vae.multipliers, v.dim_mult],
    [vae.residualBlocks, v.num_res_blocks],
    [vae.temporal, v.temperal_downsample],
    [vae.mean, v.latents_mean],
    [vae.std, v.latents_std],
    [text.layers, x.num_layers],
    [text.heads, x.num_heads],
    [text.headWidth, x.d_kv],
    [text.width, x.d_model],
    [text.feedForwardWidth, x.d_ff],
    [text.vocabulary, x.vocab_size],
    [text.buckets, x.relative_attention_num_buckets],
    [text.maxDistance, x.relative_attention_max_distance],
    [text.epsilon, x.layer_norm_epsilon],
    [scheduler.trainTimesteps, s.num_train_timesteps ?? 1000],
    [scheduler.flowShift, (isEuler ? s.shift : s.flow_shift) ?? 1],
    [scheduler.order, isEuler ? 1 : (s.solver_order ?? 2)],
  ];
  const wrong = pairs.find(([found, truth]) => JSON.stringify(found) !== JSON.stringify(truth));
  return wrong && `a config's ${JSON.stringify(wrong[1])} is read as ${JSON.stringify(wrong[0])}`;
}
