import { describe, expect, it } from 'vitest';
import { drawTime, timeStamp } from './time-stamp.ts';

describe('a time stamp', () => {
  it.each([
    [0, '0:00.0'],
    [6.25, '0:06.3'],
    [59.96, '1:00.0'],
    [754.5, '12:34.5'],
    [3600, '1:00:00.0'],
    [36_061.2, '10:01:01.2'],
  ])('of %d s reads %s', (seconds, text) => {
    expect(timeStamp(seconds)).toBe(text);
  });

  it('is drawn in white dots on black', () => {
    const width = 46;
    const rgb = new Uint8Array(width * 14 * 3).fill(99);
    drawTime(rgb, width, { left: 0, top: 0, seconds: 1 });
    const rows = Array.from({ length: 7 }, (_, row) =>
      Array.from({ length: width / 2 }, (_, column) => (rgb[(row * 2 * width + column * 2) * 3] ? '#' : ' ')).join(''),
    );
    expect(rows).toEqual([
      '                     ##',
      ' ###   ###  #    ### ##',
      ' # # # # # ##    # # ##',
      ' # #   # #  #    # # ##',
      ' # # # # #  #    # # ##',
      ' ###   ### ### # ### ##',
      '                     ##',
    ]);
  });

  it('stays inside of a picture that is too narrow for it', () => {
    const rgb = new Uint8Array(8 * 20 * 3).fill(7);
    drawTime(rgb, 8, { left: 4, top: 2, seconds: 0 });
    const outside = Array.from({ length: 20 }, (_, row) => rgb[row * 8 * 3]);
    expect(outside).toEqual(outside.map(() => 7));
  });
});
