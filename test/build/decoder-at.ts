import type { Decoder, DecoderModel, DecoderOptions } from '../../runner/decode/decoder.ts';
import { type ResumePoint, replayOf } from '../../runner/decode/replay.ts';
import { openDecoder } from '../../runner/decode/stream.ts';

/** A decoder that goes on as if it had decoded all latents before the point. */
export function openDecoderAt(
  model: DecoderModel,
  options: Omit<DecoderOptions, 'continued' | 'units'>,
  point: ResumePoint,
): Decoder {
  const { continued, latents } = replayOf(model.config, point);
  const decoder = openDecoder(model, { ...options, continued });
  for (const latent of latents) decoder.decode(latent);
  return decoder;
}
