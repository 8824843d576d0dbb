/** Entry of the text encoder's thread; `encode.ts` starts it. */
import { inThread } from '../thread/in-thread.ts';
import { type EncodedTexts, type EncodeTask, encodeTexts } from './encode-texts.ts';

inThread<EncodeTask, never, EncodedTexts>(({ task: { model, texts, options }, tell }) => {
  tell(encodeTexts(model, texts, options));
});
