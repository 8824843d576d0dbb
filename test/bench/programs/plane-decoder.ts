import type { DecoderModel } from '../../../runner/decode/decoder.ts';
import { limitPicture } from '../../../runner/decode/limit.ts';
import { vaeChunkGraph } from '../../../runner/model/vae-decoder.ts';
import { createBinding } from '../../../runner/ort/binding.ts';
import { cpuDevices } from '../../../runner/ort/device.ts';
import { createSession } from '../../../runner/ort/session.ts';
import { hostValue } from '../../../runner/ort/value.ts';
import { bytesPerElement, elementCount } from '../../../runner/tensor.ts';

/** Threads of the runner's decoder then, and now where frames are not pictures. */
const THREADS = 4;

/** A decoder on the processor that goes on from states of zero. */
export interface PlaneDecoder {
  /** Decodes a latent; the planes are valid until the next one. */
  decode(latent: Float32Array): Float32Array;
  release(): void;
}

/**
 * The decoder as every model's was on the processor before frames became pictures: convolutions of three dimensions, in the order of the
 * checkpoint, as wider decoders and those on CUDA still have them. To measure what has been gained; Attention's operator alone is CUDA's.
 */
export function openPlaneDecoder({ config, weights }: DecoderModel, height: number, width: number): PlaneDecoder {
  const graph = vaeChunkGraph(config, weights.tensors, {
    ...{ kind: 'steady', height, width, attention: 'cuda', unlimited: true },
  });
  using stack = new DisposableStack();
  const session = stack.adopt(
    createSession(graph.bytes, { device: cpuDevices(1)[0]!, weightsFolder: weights.folder, intraOpThreads: THREADS }),
    ({ release }) => release(),
  );
  const binding = stack.adopt(createBinding(session), ({ release }) => release());
  const room = (edge: (typeof graph.inputs)[number]) => {
    const shape = edge.shape as readonly number[];
    const data = new Float32Array((elementCount(shape) * bytesPerElement(edge.dtype)) / Float32Array.BYTES_PER_ELEMENT);
    return { data, value: stack.adopt(hostValue(data, edge.dtype, shape), ({ release }) => release()) };
  };
  const inputs = new Map(graph.inputs.map((edge) => [edge.name, room(edge)]));
  for (const [name, { value }] of inputs) binding.bindInput(name, value);
  let frames = new Float32Array();
  for (const edge of graph.outputs) {
    const state = inputs.get(edge.name.replace(/^next\./, 'state.'));
    const { data, value } = state ?? room(edge);
    binding.bindOutput(edge.name, value);
    if (state === undefined) frames = data;
  }
  const held = stack.move();
  return {
    decode(latent) {
      inputs.get('latent')!.data.set(latent);
      binding.run();
      if (!limitPicture(frames)) throw new Error('a picture of numbers that are not finite');
      return frames;
    },
    release: () => held.dispose(),
  };
}
