/** A thread that does nothing but koffi's delicate calls, for a test that ends it in the midst of them. */
import { cancelHandles } from '../../../runner/ort/cancel.ts';
import { openNative } from '../../../runner/ort/native-library.ts';
import { inThread } from '../../../runner/thread/in-thread.ts';

inThread<never>(({ tell }) => {
  const library = openNative('libc.so.6');
  cancelHandles();
  tell('ready' as never);
  for (;;) if (!('problem' in library)) library.has('strlen');
});
