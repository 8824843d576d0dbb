import type { Picture } from './encoder.ts';
import type { Ffmpeg } from './ffmpeg.ts';
import type { Blocks } from './mp4.ts';
import { startFfmpeg } from './start-ffmpeg.ts';
import { drawTime } from './time-stamp.ts';

/** No picture of the sizes that films have is larger. */
const MOST_JPEG_BYTES = 2 ** 27;
/** Name of the poster beside a film. */
export const POSTER = 'poster.jpg';
/** Name of the contact sheet beside a film. */
export const CONTACT_SHEET = 'sheet.jpg';

const MOST_TILES = 16;
const TILE_WIDTH = 320;
const GAP = 4;

/** JPEG holds full-range BT.601; frames are BT.709 studio range. */
const TO_JPEG = 'scale=in_range=pc:out_range=pc:out_color_matrix=bt601:flags=bicubic+accurate_rnd,format=yuvj420p';
const FROM_BT709 = 'in_range=tv:out_range=pc:in_color_matrix=bt709:flags=bicubic+accurate_rnd';

/** The film's middle frame as a JPEG of full size. */
export async function makePoster(
  ffmpeg: Ffmpeg,
  picture: Picture,
  blocks: Blocks,
  frames: number,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const rgb = await pickFrames(ffmpeg, blocks, [Math.floor(frames / 2)], picture, signal);
  return toJpeg(ffmpeg, rgb, picture, signal);
}

/** Up to 16 frames, evenly spread over the film, in reading order on one JPEG, each with its time. */
export async function makeContactSheet(
  ffmpeg: Ffmpeg,
  picture: Picture,
  blocks: Blocks,
  frames: number,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const count = Math.min(MOST_TILES, frames);
  const picked = Array.from({ length: count }, (_, i) => Math.floor(((i + 0.5) * frames) / count));
  const width = Math.min(TILE_WIDTH, picture.width);
  const height = Math.max(2, Math.round((picture.height * width) / picture.width / 2) * 2);
  const tiles = await pickFrames(ffmpeg, blocks, picked, { width, height, fps: picture.fps }, signal);
  const columns = Math.ceil(Math.sqrt(count));
  const sheet = {
    width: columns * (width + GAP) + GAP,
    height: Math.ceil(count / columns) * (height + GAP) + GAP,
  };
  const rgb = new Uint8Array(sheet.width * sheet.height * 3);
  for (const [i, frame] of picked.entries()) {
    const left = GAP + (i % columns) * (width + GAP);
    const top = GAP + Math.floor(i / columns) * (height + GAP);
    for (let row = 0; row < height; row++) {
      const start = (i * height + row) * width * 3;
      rgb.set(tiles.subarray(start, start + width * 3), ((top + row) * sheet.width + left) * 3);
    }
    drawTime(rgb, sheet.width, { left: left + GAP, top: top + GAP, seconds: frame / picture.fps });
  }
  return toJpeg(ffmpeg, rgb, sheet, signal);
}

/**
 * Decodes our own blocks and gives the frames with the numbers `picked` (rising), scaled, as RGB24 one after another. They are
 * given even times, so that ffmpeg neither repeats nor drops any: the option that switches this off has another name in each
 * version.
 */
async function pickFrames(
  ffmpeg: Ffmpeg,
  blocks: Blocks,
  picked: readonly number[],
  { width, height, fps }: Picture,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const chosen = picked.map((frame) => `eq(n\\,${frame})`).join('+');
  const filters = `select='${chosen}',setpts=N/(${fps}*TB),scale=${width}:${height}:${FROM_BT709},format=rgb24`;
  const args = [
    '-f',
    'mp4',
    '-i',
    'pipe:0',
    '-an',
    '-vf',
    filters,
    '-r',
    String(fps),
    '-frames:v',
    String(picked.length),
  ];
  const mostBytes = picked.length * width * height * 3;
  const child = startFfmpeg(ffmpeg, [...args, '-f', 'rawvideo', 'pipe:1'], { task: 'pick frames', mostBytes }, signal);
  await child.write(blocks.init);
  for (let i = 0; i < blocks.count; i++) await child.write(await blocks.media(i));
  return child.finish();
}

async function toJpeg(
  ffmpeg: Ffmpeg,
  rgb: Uint8Array,
  { width, height }: Pick<Picture, 'width' | 'height'>,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const input = ['-f', 'rawvideo', '-pixel_format', 'rgb24', '-video_size', `${width}x${height}`, '-i', 'pipe:0'];
  const output = ['-c:v', 'mjpeg', '-q:v', '3', '-flags', '+bitexact', '-frames:v', '1', '-f', 'image2pipe', 'pipe:1'];
  const child = startFfmpeg(
    ffmpeg,
    [...input, '-vf', TO_JPEG, ...output],
    { task: 'write a picture', mostBytes: MOST_JPEG_BYTES },
    signal,
  );
  await child.write(rgb);
  return child.finish();
}
