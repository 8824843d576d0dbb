import type { Device } from '../../runner/ort/device.ts';
import { runToEnd } from '../golden/run-case.ts';
import { fingerprint } from '../same-bits/fingerprint.ts';
import { goldenInput, modelInput, readGolden, tinyModel } from '../same-bits/inputs.ts';
import { judged, largestWithin, MOST_GOLDEN, MOST_RELATIVE, relativeWithin, sameBits } from './judge.ts';
import { errors, typesOn } from './measure.ts';
import type { PartContext } from './part.ts';

const CASES = ['t6-b4-c2', 'two-experts-same-expert'];
const namesOf = (devices: readonly Device[]) => devices.map(({ name }) => name);
const NUMBERS = { steps: 4, frames: 61, blockLatents: 4, contextLatents: 2, size: { width: 256, height: 256 } };

/** Whole pipelines of the tiny model: the reference's latents, and the same bits on 1, 2 and 4 stages of one device and, where there are several, of several? */
export async function run({ attempt, layouts, small, kind }: PartContext): Promise<void> {
  for (const name of small ? CASES.slice(0, 1) : CASES) {
    const wanted = readGolden(`dualparal/${name}.safetensors`).f32('latents');
    for (const dtype of typesOn(kind)) {
      const bits = new Set<string>();
      for (const { stages, where, devices } of laid([1, 2, 4])) {
        await attempt(`${name}, ${where} in ${dtype}`, async () => {
          const input = { ...goldenInput(name, stages), devices, options: { dtype } };
          const started = performance.now();
          const film = await runToEnd(input);
          bits.add(fingerprint(film));
          const seconds = (performance.now() - started) / 1000;
          const found = errors(film.data, wanted.data);
          const isSame = bits.size === 1;
          const near =
            dtype === 'F32' ? largestWithin(found, MOST_GOLDEN) : relativeWithin(found, MOST_RELATIVE.film[dtype]);
          const verdict = judged(near, sameBits(isSame, 'before'));
          return { seconds, ...found, sameBitsAsBefore: isSame, devices: namesOf(devices), ...verdict };
        });
      }
    }
  }
  const cpu = await runToEnd(modelInput(tinyModel(), { ...NUMBERS, stages: 1 }));
  for (const dtype of typesOn(kind).filter((type) => type !== 'F16')) {
    const all = new Set<string>();
    for (const { stages, where, devices } of laid([1, 4])) {
      await attempt(`256 × 256, 61 frames, ${where} in ${dtype}, against the processor`, async () => {
        const input = modelInput(tinyModel(), { ...NUMBERS, stages });
        const film = await runToEnd({ ...input, devices, options: { dtype } });
        const found = errors(film.data, cpu.data);
        const bits = fingerprint(film);
        all.add(bits);
        const verdict = judged(relativeWithin(found, MOST_RELATIVE.film[dtype]), sameBits(all.size === 1, 'before'));
        return { ...found, bits: bits.slice(-16), devices: namesOf(devices), ...verdict };
      });
    }
  }

  function laid(numbers: readonly number[]) {
    return numbers.flatMap((stages) =>
      layouts(stages).map(({ name, devices }) => ({ stages, where: `${stages} stages on ${name}`, devices })),
    );
  }
}
