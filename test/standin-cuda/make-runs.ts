import { appendFileSync } from 'node:fs';
import type { Device } from '../../runner/ort/device.ts';
import { openPipeline, type PipelineInput } from '../../runner/pipeline/driver.ts';
import { modelInput, tinyModel } from '../same-bits/inputs.ts';

/** A process of its own: denoises one film after another on two devices, some of them not to the end; marks in the log where each begins. */
const log = process.argv[2]!;
const devices = Array.from({ length: 2 }, (_, index): Device => ({ kind: 'cuda', index, name: `cuda:${index}` }));
const sizes = { stages: 2, steps: 4, frames: 61, blockLatents: 4, contextLatents: 2 };
const input: PipelineInput = { ...modelInput(tinyModel(), sizes), devices };

async function denoise(name: string, of: PipelineInput, blocks = Number.POSITIVE_INFINITY): Promise<void> {
  appendFileSync(log, `- - part ${name}\n`);
  try {
    await using pipeline = await openPipeline(of);
    let taken = 0;
    for await (const _ of pipeline.finishedBlocks()) if (++taken === blocks) break;
  } catch (error) {
    console.log(`${name}: ${(error as Error).message}`);
  }
}

await denoise('whole', input);
await denoise('stopped', input, 1);
await denoise('refused', { ...input, from: { iteration: 1, fill: () => Promise.reject(new Error('damaged')) } });
await denoise('again', input);
