import { expect, test } from 'vitest';
import { newBlockState } from '../diffusion/block-state.ts';
import { guide } from '../diffusion/guidance.ts';
import { createSampler } from '../diffusion/sampler.ts';
import { cpuDevices } from '../ort/device.ts';
import { runOnce } from '../ort/run-once.ts';
import { createSession } from '../ort/session.ts';
import { updateGraph } from './update.ts';

const SHAPE = { latentChannels: 2, latentHeight: 2, latentWidth: 4, windowLatents: 5, ownLatents: 3 } as const;
const OWN = [1, 2, 3, 2, 4];
const WINDOW = [1, 2, 5, 2, 4];
const STEPS = 5;
const SCALE = 4.5;

/** Numbers between −2 and 2 that differ with the seed. */
function numbers(count: number, seed: number): Float32Array {
  return Float32Array.from({ length: count }, (_, at) => 2 * Math.sin(seed * 12.9898 + at * 78.233));
}

function load(guided: boolean) {
  return createSession(updateGraph({ ...SHAPE, guided }).bytes, { device: cpuDevices(1)[0]! });
}

const RULES = [
  { scheduler: 'UniPC', order: 2 },
  { scheduler: 'UniPC', order: 1 },
  { scheduler: 'FlowMatchEuler', order: 1 },
] as const;

test.each(RULES.flatMap((rule) => [true, false].map((guided) => ({ ...rule, guided }))))(
  'as a graph, all steps of $scheduler of order $order are those of the sampler, guided: $guided',
  ({ guided, ...rule }) => {
    const sampler = createSampler({ ...rule, steps: STEPS, flowShift: 3 });
    const session = load(guided);
    const state = newBlockState(numbers(48, 1));
    const fresh = (): Float32Array => new Float32Array(48);
    let [x, last, estimate1, estimate2] = [numbers(48, 1), fresh(), fresh(), fresh()];
    const own = { channels: 2, skip: 2 * 8, count: 3 * 8 };
    const velocity = new Float32Array(48);
    for (let step = 0; step < STEPS; step++) {
      const conditional = numbers(80, 10 + step);
      const unconditional = guided ? numbers(80, 20 + step) : null;
      guide(conditional, unconditional, guided ? SCALE : 1, own, velocity);
      sampler.step(state, velocity);
      const tensor = (data: Float32Array, shape: readonly number[]) => ({ data, shape });
      const out = runOnce(session, {
        form: tensor(Float32Array.of(...sampler.formOf(step), SCALE), [10]),
        conditional: tensor(conditional, WINDOW),
        ...(unconditional === null ? {} : { unconditional: tensor(unconditional, WINDOW) }),
        x: tensor(x, OWN),
        last: tensor(last, OWN),
        estimate1: tensor(estimate1, OWN),
        estimate2: tensor(estimate2, OWN),
      });
      [x, last, estimate1, estimate2] = [out.nextx!.data, out.nextlast!.data, out.estimate!.data, estimate1];
      const off = x.reduce((most, value, at) => Math.max(most, Math.abs(value - state.x[at]!)), 0);
      expect(off).toBeLessThan(2e-5);
      expect(out.doubt!.data[0]).toBe(0);
    }
    session.release();
  },
);

test.each([Number.NaN, Number.POSITIVE_INFINITY])('a velocity of %d is not without doubt', (bad) => {
  const session = load(false);
  const conditional = numbers(80, 1);
  conditional[79] = bad;
  const own = () => ({ data: numbers(48, 2), shape: OWN });
  const { doubt } = runOnce(session, {
    form: {
      data: Float32Array.of(...createSampler({ ...RULES[0], steps: 5, flowShift: 3 }).formOf(0), 1),
      shape: [10],
    },
    conditional: { data: conditional, shape: WINDOW },
    x: own(),
    last: own(),
    estimate1: own(),
    estimate2: own(),
  });
  expect(doubt!.data[0]).toBeNaN();
  session.release();
});
