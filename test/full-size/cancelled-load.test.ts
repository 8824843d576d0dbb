import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { afterAll, expect, test } from 'vitest';
import { jobSpecSchema } from '#contract/job-spec.ts';
import { seededNoise } from '../../runner/diffusion/noise-pool.ts';
import { noiseShapeOf } from '../../runner/noise.ts';
import { cpuDevices } from '../../runner/ort/device.ts';
import { openPipeline } from '../../runner/pipeline/driver.ts';
import { planModel } from '../../runner/plan-job.ts';
import { zeros } from '../../runner/tensor.ts';
import { openModel } from '../../runner/weights/open-model.ts';
import { writePublishedModel } from './published-model.ts';

const folder = mkdtempSync(join(tmpdir(), 'dualparal-load-'));
afterAll(() => rmSync(folder, { recursive: true }));

test.each([1, 3])(
  'a stop ends the loading of 1.3 billion weights in %s threads, which end by themselves',
  async (stages) => {
    writePublishedModel(folder, 'Wan2.1-T2V-1.3B');
    const model = openModel(folder);
    const spec = jobSpecSchema.parse({
      name: 'film',
      prompt: 'a lighthouse',
      frames: 5,
      size: { width: 64, height: 64 },
      model: { ref: 'model', folder },
      sampling: { steps: 2, guidanceScale: 1 },
      parallelism: { gpus: stages, blockLatents: 1, contextLatents: 1 },
      output: { folder: '/nowhere' },
    });
    const devices = cpuDevices(stages);
    const plan = planModel(spec, model, devices);
    const input = { plan, model, devices, conditional: zeros([1, 512, 4096]), unconditional: null };
    const noise = seededNoise(1, noiseShapeOf(plan));
    const exits: Promise<unknown[]>[] = [];
    const loaded: number[] = [];
    const remember = (worker: Worker) => void exits.push(once(worker, 'exit'));
    process.on('worker', remember);
    const stop = new AbortController();
    const opening = openPipeline(
      { ...input, noise, onEvent: (event) => event.kind === 'stageReady' && loaded.push(event.stage) },
      stop.signal,
    );
    setTimeout(() => stop.abort(), 300);
    await expect(opening).rejects.toMatchObject({ code: 'E_PIPELINE_STOPPED' });
    process.off('worker', remember);
    expect(loaded).toEqual([]);
    // A thread that had to be ended from outside has exit code 1.
    expect(await Promise.all(exits)).toEqual(Array.from({ length: stages }, () => [0]));
  },
);
