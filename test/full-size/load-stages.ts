/**
 * Loads parts of a model into the runtime, one after another, and prints as JSON what each took of this process's memory. Run in
 * a process of its own, so that nothing else is counted: `node load-stages.ts '{"folder": …}'`.
 */
import { readFileSync } from 'node:fs';
import type { Graph } from '../../runner/model/graph.ts';
import { sliceGraph } from '../../runner/model/layers.ts';
import { textEncoderGraph } from '../../runner/model/text-encoder.ts';
import { vaeChunkGraph } from '../../runner/model/vae-decoder.ts';
import { cpuDevices } from '../../runner/ort/device.ts';
import { type AnyTensor, runOnceAny } from '../../runner/ort/run-once.ts';
import { createSession, type Session } from '../../runner/ort/session.ts';
import { sliceLayers } from '../../runner/plan/slices.ts';
import { bytesPerElement, elementCount } from '../../runner/tensor.ts';
import { type Model, openModel } from '../../runner/weights/open-model.ts';

/** What to load, and how. */
export interface LoadTask {
  readonly folder: string;
  /** `stages`: the layers cut into so many slices, those of `only` (all where absent); both experts' slices together. */
  readonly part: { readonly stages: number; readonly only?: readonly number[] } | 'text encoder' | 'video decoder';
  readonly prepackWeights: boolean;
  /** Number format of the matrix work. */
  readonly dtype: 'F32' | 'F16';
  /** Also run each stage over a few tokens, so that it reads all of its weights. */
  readonly run?: boolean;
}

/** What a part took: its weights' bytes in the files, and how this process grew. */
export interface LoadReport {
  readonly weightBytes: number;
  readonly virtualBytes: number;
  readonly residentBytes: number;
  /** Of them, private copies. */
  readonly anonymousBytes: number;
}

const [device] = cpuDevices(1);
/** A few tokens: enough to read every weight. */
const LENGTHS: Readonly<Record<string, number>> = { S: 16, L: 8 };

type Part = readonly (readonly [folder: string, graph: Graph])[];

function partsOf(model: Model, { part, dtype }: LoadTask): readonly Part[] {
  const compute = { attention: 'cpu', dtype } as const;
  const { config, transformer, transformer2, text, vae } = model;
  if (part === 'text encoder') {
    return [[[text.folder, textEncoderGraph(config.text, text.tensors, { ...compute, tokens: 512 })]]];
  }
  if (part === 'video decoder') {
    const size = { ...compute, height: 60, width: 104 };
    return [[[vae.folder, vaeChunkGraph(config.vae, vae.tensors, { ...size, kind: 'steady' })]]];
  }
  const experts = [transformer, transformer2].filter((weights) => weights !== null);
  const slices = sliceLayers(config.transformer.layers, part.stages);
  const wanted = part.only?.map((stage) => slices[stage]!) ?? slices;
  return wanted.map((slice) =>
    experts.map(({ folder, tensors }) => [
      folder,
      sliceGraph(config.transformer, tensors, { ...compute, ...slice, contextTokens: 0 }),
    ]),
  );
}

function zerosFor({ inputs }: Graph): Readonly<Record<string, AnyTensor>> {
  return Object.fromEntries(
    inputs.map(({ name, dtype, shape }) => {
      const lengths = shape.map((axis) => (typeof axis === 'number' ? axis : LENGTHS[axis]!));
      return [
        name,
        { dtype, shape: lengths, data: new Uint8Array(elementCount(lengths) * bytesPerElement(dtype)) },
      ] as const;
    }),
  );
}

/** Bytes of this process, as the kernel counts them. */
function memory() {
  const status = readFileSync('/proc/self/status', 'utf8');
  const of = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)![1]) * 1024;
  return { virtualBytes: of('VmSize'), residentBytes: of('VmRSS'), anonymousBytes: of('RssAnon') };
}

function load(part: Part, { prepackWeights, run = false }: LoadTask): LoadReport {
  const before = memory();
  const sessions: Session[] = [];
  try {
    for (const [weightsFolder, graph] of part) {
      sessions.push(createSession(graph.bytes, { device: device!, weightsFolder, prepackWeights, intraOpThreads: 1 }));
      if (run) runOnceAny(sessions.at(-1)!, zerosFor(graph));
    }
    const after = memory();
    return {
      weightBytes: part.reduce((sum, [, graph]) => sum + graph.weightBytes, 0),
      virtualBytes: after.virtualBytes - before.virtualBytes,
      residentBytes: after.residentBytes - before.residentBytes,
      anonymousBytes: after.anonymousBytes - before.anonymousBytes,
    };
  } finally {
    for (const session of sessions) session.release();
  }
}

const task = JSON.parse(process.argv[2]!) as LoadTask;
const parts = partsOf(openModel(task.folder), task);
console.log(JSON.stringify(parts.map((part) => load(part, task))));
