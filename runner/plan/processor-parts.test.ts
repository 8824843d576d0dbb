import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { WAN_1_3B } from '../../test/build/film-plan.ts';
import type { VaeConfig } from '../model/config.ts';
import { vaeUnits } from '../model/vae-units.ts';
import { openModel } from '../weights/open-model.ts';
import { processorParts } from './processor-parts.ts';

const TINY = openModel(join(import.meta.dirname, '../../models/tiny')).config.vae;
const PICTURE = { height: 12, width: 12 };

function beginsOf(config: VaeConfig, cores: number, decoding: 'float32' | 'float16' = 'float32') {
  return processorParts(config, PICTURE, { decoding }, cores).map(({ firstUnit }) => firstUnit);
}

describe('the decoder on a processor', () => {
  test.each([
    { what: 'one core has it in one piece', config: TINY, cores: 1, begins: [0] },
    { what: 'two cores have the end, which is nearly half of it, apart', config: TINY, cores: 2, begins: [0, 16, 19] },
    {
      what: 'four have each of its long units apart, and sixteen the same',
      config: TINY,
      cores: 16,
      begins: [0, 13, 15, 16, 17, 18, 19],
    },
    {
      what: 'a wide one, whose convolutions have several threads, is in one piece',
      config: WAN_1_3B.vae,
      cores: 16,
      begins: [0],
    },
  ])('$what', ({ config, cores, begins }) => {
    expect(beginsOf(config, cores)).toEqual(begins);
  });

  test('in float16, where a cut would round once more, it is in one piece', () => {
    expect(beginsOf(TINY, 8, 'float16')).toEqual([0]);
  });

  test.each([1, 2, 3, 4, 7])('on %i cores its parts are all of its units, once and in order', (cores) => {
    for (const baseWidth of [2, 8, 24, 48]) {
      const config = { ...TINY, baseWidth };
      const parts = processorParts(config, PICTURE, { decoding: 'float32' }, cores);
      const units = parts.flatMap(({ firstUnit, endUnit }) =>
        Array.from({ length: endUnit - firstUnit }, (_, at) => firstUnit + at),
      );
      expect(units).toEqual(vaeUnits(config).map((_, at) => at));
      expect(parts.length).toBeGreaterThanOrEqual(Math.min(cores, 4));
    }
  });
});
