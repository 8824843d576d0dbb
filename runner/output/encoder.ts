import { named } from './boxes.ts';
import { outputError } from './errors.ts';
import type { Ffmpeg } from './ffmpeg.ts';
import { createPatience, type Patience } from './patience.ts';
import { readSamples, type Segment, splitSegment } from './segment.ts';
import { startFfmpeg } from './start-ffmpeg.ts';

/** Size in pixels and frames per second of a film. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly fps: number;
}

/** Encodes the frames of one block. */
export interface BlockEncoder {
  /** Takes whole frames, RGB24, row by row (`width·height·3` bytes each); the buffer is free again once it resolves. */
  write(rgb: Uint8Array): Promise<void>;
  /** The block as a fragment that can be joined, once `frames` frames are in. */
  finish(): Promise<Segment>;
  cancel(): void;
}

/** Ticks of a frame: with a clock of `fps · TICKS_PER_FRAME` every frame rate gives whole ticks (16 fps: 16000, docs/video.md#ticks). */
export const TICKS_PER_FRAME = 1000;

/**
 * The same for every block, so that the blocks of a film share their init segment whatever their length (x264 drops reference
 * frames from it when a block holds a single key frame's worth). A block of up to this many frames has one key frame.
 */
const KEY_FRAME_INTERVAL = 160;

/** RGB to BT.709 studio range with full chroma accuracy: asked of the scaler, and tagged here for newer ffmpegs and below for older ones. */
const TO_BT709 =
  'scale=in_range=pc:out_range=tv:out_color_matrix=bt709:flags=bicubic+accurate_rnd+full_chroma_int+full_chroma_inp,format=yuv420p,setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709';

const HEADROOM_BYTES = 2 ** 22;

/**
 * Starts the one short ffmpeg that encodes a block of `frames` frames to H.264: closed group of pictures, no B-frames, one
 * thread, nothing in it that depends on time or machine, so a rerun gives the same bytes. `patience` learns from block to block.
 */
export function openBlockEncoder(
  ffmpeg: Ffmpeg,
  picture: Picture,
  frames: number,
  patience: Patience = createPatience(),
  signal?: AbortSignal,
): BlockEncoder {
  const frameBytes = picture.width * picture.height * 3;
  // Frames of noise may take about their raw size; tiny ones are mostly headers.
  const mostBytes = 2 * frames * frameBytes + HEADROOM_BYTES;
  const child = startFfmpeg(ffmpeg, encoderArguments(picture), { task: 'encode a block', mostBytes, patience }, signal);
  let milliseconds = 0;
  async function timed<T>(work: Promise<T>): Promise<T> {
    const started = performance.now();
    const done = await work;
    milliseconds += performance.now() - started;
    return done;
  }
  let bytes = 0;
  return {
    async write(rgb) {
      bytes += rgb.byteLength;
      await timed(child.write(rgb));
    },
    async finish() {
      if (bytes !== frames * frameBytes) {
        child.cancel();
        await child.finish().catch(() => undefined);
        throw outputError('E_OUTPUT_FRAMES', { what: 'a block', found: bytes / frameBytes, wanted: frames });
      }
      const written = await timed(child.finish());
      patience.note(bytes, milliseconds);
      const segment = await named('what ffmpeg wrote', () => splitSegment(written));
      const { sizes, ticks } = await named('what ffmpeg wrote', () => readSamples(segment.init, segment.media));
      const evenly = ticks.every((duration) => duration === TICKS_PER_FRAME);
      if (sizes.length !== frames || !evenly) {
        const found = evenly ? sizes.length : `${sizes.length}, unevenly spaced`;
        throw outputError('E_FFMPEG_FRAMES', { program: ffmpeg.program, sent: frames, found });
      }
      return segment;
    },
    cancel: child.cancel,
  };
}

function encoderArguments({ width, height, fps }: Picture): readonly string[] {
  return [
    ...['-f', 'rawvideo', '-pixel_format', 'rgb24', '-video_size', `${width}x${height}`],
    ...['-framerate', String(fps), '-i', 'pipe:0', '-vf', TO_BT709],
    ...['-c:v', 'libx264', '-preset', 'medium', '-crf', '18', '-profile:v', 'high', '-threads', '1'],
    ...['-bf', '0', '-g', String(KEY_FRAME_INTERVAL), '-sc_threshold', '0'],
    ...['-colorspace', 'bt709', '-color_primaries', 'bt709', '-color_trc', 'bt709', '-color_range', 'tv'],
    ...['-video_track_timescale', String(fps * TICKS_PER_FRAME)],
    ...['-fflags', '+bitexact', '-flags', '+bitexact', '-map_metadata', '-1'],
    ...['-movflags', '+empty_moov+default_base_moof+frag_keyframe+write_colr', '-f', 'mp4', 'pipe:1'],
  ];
}
