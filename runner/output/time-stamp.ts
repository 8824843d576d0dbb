/** Digits of 3 × 5 dots, row by row: ffmpeg draws no text without a font file, and a machine may have none. */
const GLYPHS: Readonly<Record<string, readonly string[]>> = {
  '0': ['###', '# #', '# #', '# #', '###'],
  '1': [' # ', '## ', ' # ', ' # ', '###'],
  '2': ['###', '  #', '###', '#  ', '###'],
  '3': ['###', '  #', '###', '  #', '###'],
  '4': ['# #', '# #', '###', '  #', '  #'],
  '5': ['###', '#  ', '###', '  #', '###'],
  '6': ['###', '#  ', '###', '# #', '###'],
  '7': ['###', '  #', ' # ', ' # ', ' # '],
  '8': ['###', '# #', '###', '# #', '###'],
  '9': ['###', '# #', '###', '  #', '###'],
  ':': [' ', '#', ' ', '#', ' '],
  '.': [' ', ' ', ' ', ' ', '#'],
};
const GLYPH_ROWS = 5;
const DOT_PIXELS = 2;
const MARGIN_DOTS = 1;

/** Seconds as `m:ss.s`, or `h:mm:ss.s` from an hour on. */
export function timeStamp(seconds: number): string {
  const tenths = Math.round(seconds * 10);
  const rest = `${String(Math.floor(tenths / 10) % 60).padStart(2, '0')}.${tenths % 10}`;
  const minutes = Math.floor(tenths / 600);
  if (minutes < 60) return `${minutes}:${rest}`;
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')}:${rest}`;
}

/** Draws a time in white on black into an RGB24 picture `width` pixels wide; what would lie outside of it is left out. */
export function drawTime(
  rgb: Uint8Array,
  width: number,
  { left, top, seconds }: { readonly left: number; readonly top: number; readonly seconds: number },
): void {
  const rows = Array.from({ length: GLYPH_ROWS + 2 * MARGIN_DOTS }, (_, row) =>
    [...timeStamp(seconds)].map((sign) => dotsOf(sign, row - MARGIN_DOTS)).join(' '),
  ).map((dots) => ` ${dots} `);
  for (const [row, dots] of rows.entries()) {
    for (const [column, dot] of [...dots].entries()) {
      fillDot(rgb, width, left + column * DOT_PIXELS, top + row * DOT_PIXELS, dot === '#' ? 255 : 0);
    }
  }
}

function dotsOf(sign: string, row: number): string {
  const glyph = GLYPHS[sign] ?? [];
  return glyph[row] ?? ' '.repeat(glyph[0]?.length ?? 0);
}

function fillDot(rgb: Uint8Array, width: number, left: number, top: number, value: number): void {
  const columns = Math.max(0, Math.min(DOT_PIXELS, width - left));
  for (let row = top; row < top + DOT_PIXELS; row++) {
    const start = (row * width + left) * 3;
    rgb.fill(value, start, start + columns * 3);
  }
}
