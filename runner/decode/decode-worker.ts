/** Entry of the decoder's thread; `frames.ts` starts it. It decodes one latent per request, in order. */
import type { F32Tensor } from '../tensor.ts';
import { inThread } from '../thread/in-thread.ts';
import type { DecoderModel, DecoderOptions } from './decoder.ts';
import { toRgb } from './pixels.ts';
import { openDecoderAt } from './replay.ts';

/** What the thread is started with; `next` and `before` as in `openDecoderAt`. */
export interface DecodeTask {
  readonly model: DecoderModel;
  readonly options: DecoderOptions;
  readonly next: number;
  readonly before: F32Tensor | null;
}

/** What the thread tells: that it is loaded, and the frames of a latent as RGB24. */
export type DecodeTold =
  | { readonly kind: 'ready' }
  | { readonly kind: 'frames'; readonly rgb: Uint8Array; readonly count: number };

inThread<DecodeTask, Float32Array, DecodeTold>(async ({ task: { model, options, next, before }, tell, requests }) => {
  using stack = new DisposableStack();
  const decoder = stack.adopt(openDecoderAt(model, options, next, before), (opened) => opened.release());
  tell({ kind: 'ready' });
  for await (const latent of requests) {
    const { planes, frames } = decoder.decode(latent);
    const rgb = toRgb(planes, frames, planes.length / 3 / frames);
    tell({ kind: 'frames', rgb, count: frames }, [rgb.buffer]);
  }
});
