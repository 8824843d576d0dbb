import type { TextEncoderConfig } from '../model/config.ts';
import type { TensorIndex } from '../model/graph.ts';
import type { Compute } from '../model/ops.ts';
import { textEncoderGraph } from '../model/text-encoder.ts';
import { checkpointSize } from './checkpoint-size.ts';
import { bytesOfDecoder, type DecoderUse } from './decoder-memory.ts';
import { bytesOfStage, type StageUse } from './film-memory.ts';
import type { Plan } from './plan.ts';
import { type SessionMemory, sessionMemory, sum } from './session-memory.ts';

/** Memory of the text encoder, in bytes: everything at once, since it is gone before the transformer loads. */
export function textUse(
  config: TextEncoderConfig,
  tensors: TensorIndex,
  tokens: number,
  compute: Compute,
  prepackedBytes: number,
): SessionMemory {
  const graph = textEncoderGraph(config, tensors, { ...compute, tokens });
  const prepack = graph.weightBytes <= prepackedBytes;
  return sessionMemory(graph, [{ L: tokens }], { kind: compute.attention, threads: 8, prepack, isOnHost: () => true });
}

/** What a film's process holds beside stages and decoder, in bytes. */
export interface HostUse {
  /** The program, its libraries, and the main thread. */
  readonly base: number;
  /** Threads of the stages and of the decoder's parts. */
  readonly threads: number;
  /** States of the blocks in flight and a copy of them for checkpoints, their noise, and a window of them on its way in and out. */
  readonly blocks: number;
  /** Angles of all positions, in every stage. */
  readonly tables: number;
}

/** Measured: the program with its libraries, and with what the text encoder's thread leaves behind. */
const BASE_BYTES = 210e6;
/** Measured: a thread with the program's modules, its own heap and the runtime's handles. */
const THREAD_BYTES = 28e6;
/** Measured (docs/gpu.md): what the libraries of products and convolutions take of a device, beside CUDA itself. */
export const CUDA_LIBRARIES_BYTES = 130 * 2 ** 20;
const FLOAT32_BYTES = 4;
/** Arrays of a block's state (diffusion/block-state.ts). */
const STATE_ARRAYS = 4;

/** What the process itself takes. `places`: block states that there is room for. */
export function hostUse(plan: Plan, headWidth: number, places: number): HostUse {
  const latent = plan.latentChannels * plan.latentHeight * plan.latentWidth * FLOAT32_BYTES;
  const stages = plan.stages.length;
  const states = STATE_ARRAYS * (plan.windowLatents + (places - 1) * plan.blockLatents);
  const window = plan.windowLatents * (3 + plan.branches);
  const noise = (stages + 1) * plan.windowLatents;
  const positions = (plan.windowLatents + plan.contextLatents) * plan.tokensPerLatent;
  return {
    base: BASE_BYTES,
    threads: THREAD_BYTES * (stages + plan.decoderParts.length),
    blocks: (states + window + noise) * latent + checkpointSize(plan).memory,
    tables: 2 * stages * positions * (headWidth / 2) * FLOAT32_BYTES,
  };
}

/** Uses of a film's memory on a processor, in bytes. */
export interface ProcessMemory {
  readonly host: HostUse;
  readonly text: SessionMemory;
  readonly stages: readonly StageUse[];
  /** Each part of the decoder. */
  readonly decoders: readonly DecoderUse[];
}

/** Most memory of the film's process on a processor: while it reads the text, or while stages and decoder work. */
export function peakOfProcess({ host, text, stages, decoders }: ProcessMemory): number {
  const pictures = sum(decoders.map((decoder) => decoder.pictures));
  const work = sum(stages.map(bytesOfStage)) + sum(decoders.map(bytesOfDecoder)) + pictures;
  const film = work + host.threads + host.blocks + host.tables;
  return host.base + Math.max(film, THREAD_BYTES + text.weights + text.working + text.loading);
}

/** Bytes of files that are read where they are mapped: resident while there is room, dropped where there is none. */
export function mappedBytes({ text, stages, decoders }: ProcessMemory): number {
  return Math.max(text.mapped, sum([...stages, ...decoders].map(({ mapped }) => mapped)));
}
