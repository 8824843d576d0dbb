/**
 * The video decoder, one latent after another, with its states resident on the device (WAN_SPEC §4). Shapes: C latent channels,
 * h × w latent height and width, F latents, T frames of a latent (1 for a film's first, else 4), pictures of 8h × 8w.
 */

import type { VaeConfig } from '../model/config.ts';
import { type ChunkKind, vaeChunkGraph, vaeStates } from '../model/vae-decoder.ts';
import { createBinding } from '../ort/binding.ts';
import type { Device } from '../ort/device.ts';
import { createSession, type Session } from '../ort/session.ts';
import { deviceValue, hostValue, type Value } from '../ort/value.ts';
import { elementCount, type F32Tensor, zeros } from '../tensor.ts';
import type { ComponentWeights } from '../weights/shards.ts';
import { decodeError } from './errors.ts';

/** The decoder of a model. */
export interface DecoderModel {
  readonly config: VaeConfig;
  readonly weights: ComponentWeights;
}

export interface DecoderOptions {
  readonly device: Device;
  /** h and w. */
  readonly latentHeight: number;
  readonly latentWidth: number;
  /** Begin as if latents had been decoded before, with all states zero, instead of with a film's first latent. */
  readonly continued?: boolean;
}

/** What one latent became: `planes [3, T, 8h, 8w]` in [−1, 1], valid until the next latent is decoded. */
export interface Pictures {
  readonly planes: Float32Array;
  readonly frames: number;
}

export interface Decoder {
  /** Decodes the next latent, `[C, h, w]` as the sampler leaves it. */
  decode(latent: Float32Array): Pictures;
  release(): void;
}

/** A latent holds four frames but the first, which holds one. */
const FRAMES = { first: 1, steady: 4 } as const satisfies Record<ChunkKind, number>;
/** The same on every machine, because convolutions of small pictures group their sums by it. */
const THREADS = 4;
const PIXELS_PER_LATENT = 8;

/** Loads the decoder. Throws `E_DEVICE_…`. */
export function openDecoder({ config, weights }: DecoderModel, options: DecoderOptions): Decoder {
  const { device, latentHeight: height, latentWidth: width } = options;
  const size = { height, width };
  const states = vaeStates(config, weights.tensors, height, width);
  const latent = zeros([1, config.latentChannels, 1, height, width]);
  const latentValue = hostValue(latent.data, 'F32', latent.shape);
  const steady = loadChunk({ config, weights }, 'steady', device, size);
  const resident = states.map(({ name, shape }) => ({ name, value: deviceValue(steady, 'F32', shape) }));
  const later = bindChunk(steady, 'steady', resident, size);
  let first: Chunk | undefined;
  if (!options.continued)
    first = bindChunk(loadChunk({ config, weights }, 'first', device, size), 'first', resident, size);
  else if (device.kind !== 'cpu') later.setZero();

  return {
    decode(values) {
      if (values.length !== latent.data.length) {
        throw decodeError('E_DECODE_LATENTS', { found: values.length, wanted: latent.shape.join(', ') });
      }
      latent.data.set(values);
      const pictures = (first ?? later).run(latentValue);
      first?.release();
      first = undefined;
      return pictures;
    },
    release() {
      first?.release();
      later.release();
      for (const { value } of resident) value.release();
      latentValue.release();
    },
  };
}

/** All frames of a video `[1, C, F, h, w]` that continues what `decoder` has decoded: `[1, 3, frames, 8h, 8w]` in [−1, 1]. */
export function decodeVideo(decoder: Decoder, latents: F32Tensor): F32Tensor {
  const [, , count, height, width] = latents.shape as [number, number, number, number, number];
  const parts = Array.from({ length: count }, (_, at) => {
    const { planes, frames } = decoder.decode(latentAt(latents, at));
    return { planes: planes.slice(), frames };
  });
  const frames = parts.reduce((sum, part) => sum + part.frames, 0);
  const shape = [1, 3, frames, height * PIXELS_PER_LATENT, width * PIXELS_PER_LATENT];
  const video = zeros(shape);
  const perFrame = elementCount(shape.slice(3));
  let done = 0;
  for (const part of parts) {
    const length = part.frames * perFrame;
    for (let channel = 0; channel < 3; channel++) {
      const plane = part.planes.subarray(channel * length, (channel + 1) * length);
      video.data.set(plane, (channel * frames + done) * perFrame);
    }
    done += part.frames;
  }
  return video;
}

/** Latent `at` of a video `[1, C, F, h, w]`, as `[C, h, w]`. */
export function latentAt({ shape, data }: F32Tensor, at: number): Float32Array<ArrayBuffer> {
  const [, channels, count, height, width] = shape as [number, number, number, number, number];
  const area = height * width;
  const latent = new Float32Array(channels * area);
  for (let channel = 0; channel < channels; channel++) {
    const start = (channel * count + at) * area;
    latent.set(data.subarray(start, start + area), channel * area);
  }
  return latent;
}

interface Size {
  readonly height: number;
  readonly width: number;
}

interface Resident {
  readonly name: string;
  readonly value: Value;
}

interface Chunk {
  run(latent: Value): Pictures;
  /** Reads zeros instead of the states in the next run: device memory comes unset. */
  setZero(): void;
  /** Releases its session, too. */
  release(): void;
}

function loadChunk({ config, weights }: DecoderModel, kind: ChunkKind, device: Device, size: Size): Session {
  const graph = vaeChunkGraph(config, weights.tensors, { kind, ...size, attention: device.kind });
  return createSession(graph.bytes, {
    device,
    weightsFolder: weights.folder,
    intraOpThreads: THREADS,
    label: 'the video decoder',
  });
}

/**
 * Ties a chunk's graph to the states. Each state is read from and written to the same memory: in the graph its only reader joins
 * it to the new frames, and what is written back is cut from that joined copy.
 */
function bindChunk(session: Session, kind: ChunkKind, resident: readonly Resident[], size: Size): Chunk {
  const frames = FRAMES[kind];
  const shape = [1, 3, frames, size.height * PIXELS_PER_LATENT, size.width * PIXELS_PER_LATENT];
  const { data } = zeros(shape);
  const output = hostValue(data, 'F32', shape);
  const binding = createBinding(session);
  let zeroed: readonly Value[] = [];
  const bindStates = () => {
    for (const { name, value } of kind === 'steady' ? resident : []) binding.bindInput(`state.${name}`, value);
  };
  bindStates();
  for (const { name, value } of resident) binding.bindOutput(`next.${name}`, value);
  binding.bindOutput('frames', output);
  return {
    run(latent) {
      // Binding it anew brings the latent to the device; on the CPU it is read in place.
      binding.bindInput('latent', latent);
      binding.run();
      if (zeroed.length > 0) bindStates();
      for (const value of zeroed) value.release();
      zeroed = [];
      return { planes: data, frames };
    },
    setZero() {
      zeroed = resident.map(({ name, value: { shape: stateShape } }) => {
        const value = hostValue(zeros(stateShape).data, 'F32', stateShape);
        binding.bindInput(`state.${name}`, value);
        return value;
      });
    },
    release() {
      binding.release();
      session.release();
      output.release();
    },
  };
}
