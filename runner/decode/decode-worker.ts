/** Entry of a thread of the decoder; `chain.ts` starts one for each part. It computes one item per request, in order. */
import { waitForDevice } from '../ort/cuda-device.ts';
import { inThread } from '../thread/in-thread.ts';
import type { DecoderModel, DecoderOptions } from './decoder.ts';
import type { Handed } from './hop.ts';
import type { Given, Made } from './part.ts';
import { toRgb } from './pixels.ts';
import { openPart } from './stream.ts';

/** What a thread is started with. */
export interface DecodeTask {
  readonly model: DecoderModel;
  readonly options: DecoderOptions;
}

/** An item. `isReplayed`: its pictures are there already. */
export interface DecodeAsked {
  readonly given: Given;
  readonly isReplayed: boolean;
}

/** Frames of one latent, RGB24 one after another: one frame for a film's first latent, four for every later one. */
export interface Frames {
  readonly rgb: Uint8Array;
  readonly count: number;
}

/** What a thread tells: that it is loaded, that it has copied what it was given, and what it has made of it. */
export type DecodeTold =
  | { readonly kind: 'ready'; readonly tiles: number }
  | { readonly kind: 'taken' }
  | { readonly kind: 'made'; readonly handed: Handed | null; readonly frames: Frames | null };

inThread<DecodeTask, DecodeAsked, DecodeTold>(async ({ task: { model, options }, tell, fail, requests }) => {
  using stack = new DisposableStack();
  const part = openPart(model, options, stack);
  tell({ kind: 'ready', tiles: part.tiles });
  let hasFailed = false;
  for await (const { given, isReplayed } of requests) {
    // Another part may be reading this device's memory: it is given back with the others, once told to end.
    if (hasFailed) continue;
    try {
      const { handed, pictures } = part.run(given, () => tell({ kind: 'taken' }));
      const frames = pictures === null || isReplayed ? null : framesOf(pictures);
      tell({ kind: 'made', handed, frames }, frames === null ? [] : [frames.rgb.buffer]);
    } catch (error) {
      hasFailed = true;
      fail(error);
      // What may still be written is given back with the process.
      if (!waitForDevice(options.device)) stack.move();
    }
  }
});

function framesOf({ planes, frames }: NonNullable<Made['pictures']>) {
  return { rgb: toRgb(planes, frames, planes.length / 3 / frames), count: frames };
}
