import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { textEncoderGraph } from '../../runner/model/text-encoder.ts';
import { createSession } from '../../runner/ort/session.ts';
import { openModel } from '../../runner/weights/open-model.ts';
import { loadLayers } from '../gpu/wide-layers.ts';

/** A layer as it is run, in a window of 624 tokens. */
export interface LayerRun {
  readonly form: 'plain' | 'fused';
  readonly contextTokens: number;
  readonly reusesLeft: boolean;
}

export const layerRuns: readonly LayerRun[] = (['plain', 'fused'] as const).flatMap((form) => [
  { form, contextTokens: 0, reusesLeft: false },
  { form, contextTokens: 208, reusesLeft: false },
  { form, contextTokens: 208, reusesLeft: true },
]);

/** Loads the text encoder, then runs the layers one by one, and marks in the log where each run begins and ends. */
function run(folder: string, log: string): void {
  const device = { kind: 'cuda', index: 0, name: 'cuda:0' } as const;
  const mark = (text: string) => appendFileSync(log, `MARK ${text}\n`);
  const { config, text } = openModel(join(import.meta.dirname, '../../models/tiny'));
  for (const dtype of ['F32', 'F16', 'BF16'] as const) {
    const graph = textEncoderGraph(config.text, text.tensors, { attention: 'cuda', dtype, tokens: 64 });
    createSession(graph.bytes, { device, weightsFolder: text.folder }).release();
  }
  for (const layer of layerRuns) {
    const size = { model: 'Wan2.1-T2V-1.3B', layers: 1, tokens: 624, dtype: 'BF16' } as const;
    const { binding, release } = loadLayers({ ...size, ...layer, folder, device });
    binding.run();
    mark('layer');
    binding.run();
    mark('end');
    release();
  }
}

// A process of its own.
if (import.meta.main) run(process.argv[2]!, process.argv[3]!);
