import type { ChunkKind, ChunkOptions, ChunkType } from '../model/vae-decoder.ts';
import { vaeChunkGraph, vaeOptimization, vaeThreads } from '../model/vae-decoder.ts';
import { createBinding } from '../ort/binding.ts';
import type { Device } from '../ort/device.ts';
import { createSession } from '../ort/session.ts';
import { hostValue, type Value } from '../ort/value.ts';
import { bytesPerElement, elementCount, zeros } from '../tensor.ts';
import { type DecoderModel, PIXELS_PER_LATENT, type Pictures } from './decoder.ts';

/** A state of the decoder, where it stays between latents. */
export interface Resident {
  readonly name: string;
  readonly value: Value;
}

/** The graph of one latent, loaded. */
export interface Chunk {
  readonly session: ReturnType<typeof createSession>;
  /** Ties the states that the next runs read and write. */
  attach(states: readonly Resident[]): void;
  /** Reads zeros instead of the attached states in the next run: device memory comes unset. */
  setZero(): void;
  /**
   * Decodes a latent `[1, C, 1, h, w]`; the planes are valid until the next run. A part of the decoder reads what the one before has
   * left instead, or leaves its own in `output` and gives no planes.
   */
  run(input: Value, output?: Value): Pictures;
  release(): void;
}

/** A state in host memory, all zero: as before a film's first latent. */
export function zeroState(dtype: ChunkType = 'F32', shape: readonly number[]): Value {
  return hostValue(new Uint8Array(elementCount(shape) * bytesPerElement(dtype)), dtype, shape);
}

/** A latent holds four frames but the first, which holds one. */
const FRAMES = { first: 1, steady: 4 } as const satisfies Record<ChunkKind, number>;

/**
 * Loads a chunk's graph. Each state is read from and written to the same memory: in the graph its only reader joins it to the
 * new frames, and what is written back is cut from that joined copy. Throws `E_DEVICE_…`.
 */
export function loadChunk(
  { config, weights }: DecoderModel,
  device: Device,
  options: Omit<ChunkOptions, 'attention'>,
): Chunk {
  const { kind, height, width } = options;
  const computing = { ...options, attention: device.kind };
  const graph = vaeChunkGraph(config, weights.tensors, computing);
  const session = createSession(graph.bytes, {
    device,
    weightsFolder: weights.folder,
    intraOpThreads: vaeThreads(config, computing),
    optimize: vaeOptimization(config, computing),
    label: 'the video decoder',
  });
  const frames = FRAMES[kind];
  const isLast = session.outputs.includes('frames');
  const input = session.inputs.includes('latent') ? 'latent' : 'hidden';
  const shape = [1, 3, isLast ? frames : 0, height * PIXELS_PER_LATENT, width * PIXELS_PER_LATENT];
  const { data: planes } = zeros(shape);
  const pictures = isLast ? hostValue(planes, 'F32', shape) : null;
  const binding = createBinding(session);
  if (pictures !== null) binding.bindOutput('frames', pictures);
  let attached: readonly Resident[] = [];
  let zeroed: readonly Value[] = [];
  const bindInputs = () => {
    if (kind === 'first') return;
    for (const { name, value } of attached) binding.bindInput(`state.${name}`, value);
  };
  return {
    session,
    attach(states) {
      attached = states;
      bindInputs();
      for (const { name, value } of states) binding.bindOutput(`next.${name}`, value);
    },
    setZero() {
      zeroed = attached.map(({ name, value: { shape: stateShape } }) => {
        const value = zeroState(options.dtype, stateShape);
        binding.bindInput(`state.${name}`, value);
        return value;
      });
    },
    run(given, output) {
      // Binding it anew brings the latent to the device; on the CPU it is read in place.
      binding.bindInput(input, given);
      if (output !== undefined) binding.bindOutput('handed', output);
      binding.run();
      if (zeroed.length > 0) bindInputs();
      for (const value of zeroed) value.release();
      zeroed = [];
      return { planes, frames };
    },
    release() {
      binding.release();
      session.release();
      pictures?.release();
    },
  };
}
