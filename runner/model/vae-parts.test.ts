import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { cpuDevices } from '../ort/device.ts';
import { runOnce } from '../ort/run-once.ts';
import { createSession } from '../ort/session.ts';
import type { F32Tensor } from '../tensor.ts';
import { readJsonFile } from '../weights/model-file.ts';
import { openWeights } from '../weights/shards.ts';
import { parseVaeConfig } from './component-configs.ts';
import { vaeChunkGraph } from './vae-decoder.ts';
import { allUnits, type UnitRange } from './vae-units.ts';

const TINY = fileURLToPath(new URL('../../test/golden/data/tiny-wan', import.meta.url));
const config = parseVaeConfig(readJsonFile(`${TINY}/vae/config.json`, 'config.json'));
const weights = openWeights(TINY, 'vae', 'diffusion_pytorch_model');
const [device] = cpuDevices(1);
const size = { height: 4, width: 6, attention: 'cpu' } as const;
const whole = allUnits(config);
const latent: F32Tensor = {
  shape: [1, config.latentChannels, 1, size.height, size.width],
  data: Float32Array.from({ length: config.latentChannels * size.height * size.width }, (_, at) => Math.sin(at)),
};

type Tensors = Readonly<Record<string, F32Tensor>>;

/** Runs a part of the first chunk and then, over the states that it left, of the steady one: what it leaves of both. */
function run(units: UnitRange, [first, later]: readonly [Tensors, Tensors]): readonly [Tensors, Tensors] {
  const once = (kind: 'first' | 'steady', inputs: Tensors) => {
    const graph = vaeChunkGraph(config, weights.tensors, { ...size, kind, units });
    const session = createSession(graph.bytes, { device: device!, weightsFolder: weights.folder, intraOpThreads: 1 });
    try {
      return runOnce(session, inputs);
    } finally {
      session.release();
    }
  };
  const left = once('first', first);
  const states = Object.entries(left).filter(([name]) => name.startsWith('next.'));
  const carried = Object.fromEntries(states.map(([name, state]) => [name.replace('next.', 'state.'), state]));
  return [left, once('steady', { ...later, ...carried })];
}

test.each([
  { what: 'two parts', ends: [11, 20] },
  { what: 'four parts', ends: [4, 8, 15, 20] },
  { what: 'a part for each unit', ends: Array.from({ length: 20 }, (_, unit) => unit + 1) },
])('$what of the decoder, one after another, make the frames of the whole one', ({ ends }) => {
  expect(whole).toEqual({ firstUnit: 0, endUnit: ends.at(-1) });
  const wanted = run(whole, [{ latent }, { latent }]).map(({ frames }) => frames!);
  let made: readonly [Tensors, Tensors] = [{}, {}];
  for (const [at, endUnit] of ends.entries()) {
    const firstUnit = ends[at - 1] ?? 0;
    const given = ({ handed }: Tensors) => (firstUnit === 0 ? { latent } : { hidden: handed! });
    made = run({ firstUnit, endUnit }, [given(made[0]), given(made[1])]);
  }
  expect(made.map(({ frames }) => frames!.shape)).toEqual(wanted.map(({ shape }) => shape));
  for (const [at, { data }] of wanted.entries()) expect(made[at]!.frames!.data).toEqual(data);
});
