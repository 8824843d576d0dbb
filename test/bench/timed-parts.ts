import { join } from 'node:path';
import { startChain } from '../../runner/decode/chain.ts';
import { openModel } from '../../runner/weights/open-model.ts';

const WORKER = new URL('./programs/timed-part.ts', import.meta.url);

/** Milliseconds from the first latent to the last through so many parts of the decoder, whose items take `itemMilliseconds` each. */
export async function runTimedParts(parts: number, latents: number, itemMilliseconds: number): Promise<number> {
  const { config, vae } = openModel(join(import.meta.dirname, '../../models/tiny'));
  const model = { config: config.vae, weights: vae };
  const device = { kind: 'cpu', index: 0, name: String(itemMilliseconds) } as const;
  const options = { device, latentHeight: 1, latentWidth: 1 };
  const tasks = Array.from({ length: parts }, () => ({ model, options }));
  const chain = startChain(tasks, { worker: WORKER, patience: undefined });
  await chain.ready;
  const started = performance.now();
  await Promise.all(Array.from({ length: latents }, () => chain.request(new Float32Array(1), false)));
  const took = performance.now() - started;
  await chain.close(new Error('the bench is over'));
  return took;
}
