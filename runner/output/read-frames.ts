import type { Store } from '../store/store.ts';
import type { Picture } from './encoder.ts';
import { outputError } from './errors.ts';
import type { Ffmpeg } from './ffmpeg.ts';
import { startFfmpeg } from './start-ffmpeg.ts';

const PIECE_BYTES = 1 << 20;

/** BT.709 studio range back to RGB, as exactly as it was made. */
const FROM_BT709 = 'scale=in_range=tv:out_range=pc:in_color_matrix=bt709:flags=bicubic+accurate_rnd+full_chroma_int';

/**
 * The frames of a stored film, decoded one after another as RGB24; a frame's buffer is used again for the next one. One decoder
 * reads the file from its beginning, and waits while nobody asks for the next frame.
 */
export async function* readFrames(
  ffmpeg: Ffmpeg,
  store: Store,
  file: string,
  { width, height, fps }: Picture,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const filters = `setpts=N/(${fps}*TB),${FROM_BT709},format=rgb24`;
  const args = ['-f', 'mp4', '-i', 'pipe:0', '-an', '-vf', filters, '-r', String(fps), '-f', 'rawvideo', 'pipe:1'];
  const child = startFfmpeg(
    ffmpeg,
    args,
    { task: 'read the film back', mostBytes: Number.POSITIVE_INFINITY, streams: true },
    signal,
  );
  // Where the child fails, its output says so; what could not be written to it does not matter then.
  const feeding = feed(child, store, file).catch((error: unknown) => {
    child.cancel();
    return error;
  });
  const frame = new Uint8Array(width * height * 3);
  let filled = 0;
  try {
    for await (const piece of child.output()) {
      for (let at = 0; at < piece.byteLength; ) {
        const part = piece.subarray(at, at + frame.byteLength - filled);
        frame.set(part, filled);
        filled += part.byteLength;
        at += part.byteLength;
        if (filled < frame.byteLength) continue;
        yield frame;
        filled = 0;
      }
    }
  } finally {
    child.cancel();
    await feeding;
  }
  if (filled > 0) throw outputError('E_OUTPUT_FRAMES', { what: file, found: 'half a frame', wanted: 'whole frames' });
}

async function feed(child: ReturnType<typeof startFfmpeg>, store: Store, file: string): Promise<void> {
  for (let at = 0; ; ) {
    const piece = await store.read(file, at, PIECE_BYTES);
    if (piece.byteLength === 0) break;
    await child.write(piece);
    at += piece.byteLength;
  }
  child.close();
}
