import { expect, test } from 'vitest';
import { deviceIdentity } from './checkpoint-identity.ts';

const LAYERS = 24;

/** Identity of a run on GPUs of these capabilities, its layers cut evenly. */
function on(...capabilities: readonly (number | undefined)[]): string {
  const devices = capabilities.map((capability) => ({
    kind: 'cuda' as const,
    ...(capability === undefined ? {} : { capability }),
  }));
  const size = LAYERS / devices.length;
  const stages = devices.map((_, stage) => ({ firstLayer: size * stage, endLayer: size * (stage + 1) }));
  return deviceIdentity(devices, stages);
}

test.each([
  { what: 'GPUs of one kind', one: [9], other: [9, 9] },
  { what: 'GPUs of one kind', one: [8.9, 8.9, 8.9, 8.9], other: [8.9] },
  { what: 'GPUs whose kind nobody tells', one: [undefined], other: [undefined, undefined] },
  { what: 'the same mix', one: [9, 8.9], other: [9, 8.9] },
])('$what go on with what others of them have computed: $one and $other', ({ one, other }) => {
  expect(on(...one)).toBe(on(...other));
});

test.each([
  { what: 'another kind', one: [9], other: [8.9] },
  { what: 'a second kind on the last stage', one: [9, 9], other: [9, 8.9] },
  { what: 'a second kind on the first stage', one: [8.9, 8.9], other: [9, 8.9] },
  { what: 'the kinds the other way round', one: [9, 8.9], other: [8.9, 9] },
  { what: 'the same kinds with other layers', one: [9, 8.9], other: [9, 9, 8.9] },
  { what: 'one of an unknown kind', one: [9, 9], other: [9, undefined] },
])('a run that differs by $what makes other bits: $one and $other', ({ one, other }) => {
  expect(on(...one)).not.toBe(on(...other));
});

test('processors are told by their model, whatever their number', () => {
  const stage = { firstLayer: 0, endLayer: LAYERS };
  const one = deviceIdentity([{ kind: 'cpu' }], [stage]);
  expect(deviceIdentity([{ kind: 'cpu' }, { kind: 'cpu' }], [stage, stage])).toBe(one);
  expect(one).toMatch(/^cpu ./);
  expect(one).not.toBe(on(9));
});
