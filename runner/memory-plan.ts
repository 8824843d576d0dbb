import type { JobSpec } from '#contract/job-spec.ts';
import { needsTiles, spansOf, TILING } from './decode/tiles.ts';
import { FLOAT_TYPES } from './model/float-types.ts';
import type { Device } from './ort/device.ts';
import { placesOf } from './pipeline/layout.ts';
import {
  bytesOfDecoder,
  type DecoderPartUse,
  type DecoderUse,
  decoderUse,
  heldByDecoder,
  type LatentSize,
} from './plan/decoder-memory.ts';
import { bytesOfStage, heldByStage, type StageUse, stageUses } from './plan/film-memory.ts';
import type { Plan } from './plan/plan.ts';
import {
  CUDA_LIBRARIES_BYTES,
  type HostUse,
  hostUse,
  mappedBytes,
  peakOfProcess,
  textUse,
} from './plan/process-memory.ts';
import { type SessionMemory, sum } from './plan/session-memory.ts';
import { PREPACKED_BYTES } from './text/encode-texts.ts';
import type { Model } from './weights/open-model.ts';

/** Most memory of a film, in bytes, by where it is. */
export interface MemoryPlan {
  /** What the film is computed on. */
  readonly kind: Device['kind'];
  /** The film's process; on a processor with all that it computes. */
  readonly processBytes: number;
  /** Files that it reads where they are mapped, beside: the system may drop them. */
  readonly mappedBytes: number;
  /** What each stage's device holds; on a processor the stage's share of the process. Those with a part of the decoder decode, the first one's reads the text before. */
  readonly stageBytes: readonly number[];
  readonly host: HostUse;
  readonly text: SessionMemory;
  readonly stages: readonly StageUse[];
  /** Each part of the decoder, in the order of the plan's. */
  readonly decoders: readonly DecoderPartUse[];
}

/** What was planned before and can be taken again, by what it depends on, for one model on one kind of device. */
export type PlannedUses = Map<string, SessionMemory | DecoderUse>;

/**
 * Plans the memory of a film, in the number formats of its plan. Builds the graphs that the run will build, and computes nothing. `known`
 * is added to: several plans of a film mostly have the same text encoder and decoder.
 */
export function planMemory(
  { decoding }: Pick<JobSpec, 'decoding'>,
  plan: Plan,
  model: Model,
  kind: Device['kind'],
  known: PlannedUses = new Map(),
): MemoryPlan {
  const { config, transformer, transformer2, vae, text } = model;
  const experts = [transformer, transformer2].filter((weights) => weights !== null).map(({ tensors }) => tensors);
  const picture = { height: plan.latentHeight, width: plan.latentWidth };
  const { precision } = plan;
  const compute = { attention: kind, dtype: FLOAT_TYPES[precision.sampling] };
  const decodeCompute = { attention: kind, dtype: FLOAT_TYPES[precision.decoding] };
  const { textTokens } = plan.sampling;
  const { decoderParts } = plan;
  const ofDecoder = {
    parts: decoderParts.length,
    latents: plan.latents,
    picture,
    tiles: tilesOf(picture, decoding.tiling),
    compute: decodeCompute,
  };
  const uses = {
    host: hostUse(plan, config.transformer.headWidth, placesOf(plan)),
    text: once(known, ['text', textTokens, compute], () =>
      textUse(config.text, text.tensors, textTokens, compute, PREPACKED_BYTES),
    ),
    stages: stageUses({ plan, config, experts, compute, threads: 1, places: placesOf(plan) }),
    decoders: decoderParts.map(({ stage, firstUnit, endUnit }) => {
      const ofPart = { ...ofDecoder, units: { firstUnit, endUnit } };
      const use = once(known, ['decoder', ofPart], () =>
        decoderUse({ config: config.vae, tensors: vae.tensors, ...ofPart }),
      );
      return { stage, firstUnit, endUnit, ...use };
    }),
  };
  const stageBytes = uses.stages.map((use, stage) => deviceBytes(uses, use, stage, kind));
  const { base, threads, blocks } = uses.host;
  const decodedOnHost = sum(uses.decoders.map(({ pictures, carried }) => pictures + carried));
  return {
    kind,
    processBytes: kind === 'cpu' ? peakOfProcess(uses) : base + threads + blocks + decodedOnHost,
    mappedBytes: kind === 'cpu' ? mappedBytes(uses) : 0,
    stageBytes,
    ...uses,
  };
}

function once<T extends SessionMemory>(known: PlannedUses, of: readonly unknown[], plan: () => T): T {
  const key = JSON.stringify(of);
  const use = (known.get(key) as T | undefined) ?? plan();
  known.set(key, use);
  return use;
}

/** A picture that is decoded whole is one tile. */
function tilesOf({ height, width }: LatentSize, tiling: boolean): readonly LatentSize[] {
  if (!tiling || !needsTiles(TILING, height, width)) return [{ height, width }];
  return spansOf(TILING, height).flatMap((row) =>
    spansOf(TILING, width).map((column) => ({ height: row.length, width: column.length })),
  );
}

function deviceBytes(
  { decoders, text }: Pick<MemoryPlan, 'decoders' | 'text'>,
  use: StageUse,
  stage: number,
  kind: Device['kind'],
): number {
  const own = decoders.filter((part) => part.stage === stage);
  const film = bytesOfStage(use) + sum(own.map(bytesOfDecoder));
  if (kind === 'cpu') return film + sum(own.map(({ pictures }) => pictures));
  const reads = stage === 0 ? text.weights + text.working : 0;
  return CUDA_LIBRARIES_BYTES + Math.max(film, reads);
}

/** The devices of a film's stages, as its stages and as its decoder's parts may take of them. */
export interface LimitShares {
  readonly stages: readonly Device[];
  readonly decoders: readonly Device[];
}

/**
 * A stage and a part of the decoder on its device, which have an arena each, share the device's one limit: neither may take what the other surely
 * holds, and what is left is for whoever needs it in its runs.
 */
export function shareLimits(
  devices: readonly Device[],
  { stages, decoders }: Pick<MemoryPlan, 'stages' | 'decoders'>,
): LimitShares {
  const shares = devices.map((device, stage) => {
    const use = stages[stage];
    if (device.memoryLimitBytes === undefined || use === undefined) return { stage: device, decoder: device };
    const parts = decoders.filter((part) => part.stage === stage);
    const without = (bytes: number) => ({ ...device, memoryLimitBytes: Math.max(0, device.memoryLimitBytes! - bytes) });
    return { stage: without(sum(parts.map(heldByDecoder))), decoder: without(heldByStage(use)) };
  });
  return { stages: shares.map(({ stage }) => stage), decoders: shares.map(({ decoder }) => decoder) };
}
