import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openDecoder } from '../../runner/decode/stream.ts';
import { cpuDevices } from '../../runner/ort/device.ts';
import { openModel } from '../../runner/weights/open-model.ts';
import { pooled } from '../gpu/random-numbers.ts';
import { coded } from './film.bench.ts';
import { openPlaneDecoder } from './programs/plane-decoder.ts';

const report = { decodeSeconds: 2, encodeSeconds: 1, latent: { wall: 40, undisturbed: 30, processor: 80 } };

test.each([
  { before: 59, holds: false },
  { before: 60, holds: true },
])('decoding is held to one and a half times the speed that it had: 40 ms against $before ms', ({ before, holds }) => {
  const [gained] = coded({ ...report, latentBefore: { wall: before, undisturbed: 1, processor: 1 } });
  expect(gained).toMatchObject({ ours: 40, theirs: before, holds });
});

test('on a card, where the decoder is what it was, nothing of it is judged', () => {
  expect(coded(report).every(({ holds }) => holds === undefined)).toBe(true);
});

test('the decoder as it was makes the pictures that the runner makes, latent after latent', () => {
  const { config, vae } = openModel(join(import.meta.dirname, '../../models/tiny'));
  const model = { config: config.vae, weights: vae };
  const [height, width] = [4, 6];
  const before = openPlaneDecoder(model, height, width);
  const options = { device: cpuDevices(1)[0]!, latentHeight: height, latentWidth: width, continued: true };
  const now = openDecoder(model, options);
  for (let at = 0; at < 3; at++) {
    const latent = pooled(config.vae.latentChannels * height * width, at);
    const [found, wanted] = [before.decode(latent), now.decode(latent).planes];
    expect(found.length).toBe(wanted.length);
    const distance = found.reduce((most, value, index) => Math.max(most, Math.abs(value - wanted[index]!)), 0);
    expect(distance).toBeLessThan(1e-4);
  }
  before.release();
  now.release();
});
