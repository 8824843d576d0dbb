import type { Device } from '../../runner/ort/device.ts';
import type { FloatType } from '../../runner/tensor.ts';
import { runToEnd } from '../golden/run-case.ts';
import { fingerprint } from '../same-bits/fingerprint.ts';
import { goldenInput, modelInput, readGolden, tinyModel } from '../same-bits/inputs.ts';
import { errors } from './measure.ts';
import type { PartContext } from './part.ts';

const CASES = ['t6-b4-c2', 'two-experts-same-expert'];
const namesOf = (devices: readonly Device[]) => devices.map(({ name }) => name);
const NUMBERS = { steps: 4, frames: 61, blockLatents: 4, contextLatents: 2, size: { width: 256, height: 256 } };

/** Whole pipelines of the tiny model: the reference's latents, and the same bits on 1, 2 and 4 stages of one device and, where there are several, of several? */
export async function run({ attempt, layouts, small }: PartContext): Promise<void> {
  for (const name of small ? CASES.slice(0, 1) : CASES) {
    const wanted = readGolden(`dualparal/${name}.safetensors`).f32('latents');
    for (const dtype of ['F32', 'F16', 'BF16'] satisfies FloatType[]) {
      const bits = new Set<string>();
      for (const { stages, where, devices } of laid([1, 2, 4])) {
        await attempt(`${name}, ${where} in ${dtype}`, async () => {
          const input = { ...goldenInput(name, stages), devices, options: { dtype } };
          const started = performance.now();
          const film = await runToEnd(input);
          bits.add(fingerprint(film));
          const seconds = (performance.now() - started) / 1000;
          const sameBitsAsBefore = bits.size === 1;
          return { seconds, ...errors(film.data, wanted.data), sameBitsAsBefore, devices: namesOf(devices) };
        });
      }
    }
  }
  const cpu = await runToEnd(modelInput(tinyModel(), { ...NUMBERS, stages: 1 }));
  for (const dtype of ['F32', 'BF16'] satisfies FloatType[]) {
    for (const { stages, where, devices } of laid([1, 4])) {
      await attempt(`256 × 256, 61 frames, ${where} in ${dtype}, against the processor`, async () => {
        const input = modelInput(tinyModel(), { ...NUMBERS, stages });
        const film = await runToEnd({ ...input, devices, options: { dtype } });
        return { ...errors(film.data, cpu.data), bits: fingerprint(film).slice(-16), devices: namesOf(devices) };
      });
    }
  }

  function laid(numbers: readonly number[]) {
    return numbers.flatMap((stages) =>
      layouts(stages).map(({ name, devices }) => ({ stages, where: `${stages} stages on ${name}`, devices })),
    );
  }
}
