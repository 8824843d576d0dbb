import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { textEncoderGraph } from '../../runner/model/text-encoder.ts';
import { createSession } from '../../runner/ort/session.ts';
import { openModel } from '../../runner/weights/open-model.ts';
import { loadLayers } from '../gpu/wide-layers.ts';

/** A process of its own: loads the text encoder, then runs one layer in each form; marks in the log where each run begins. */
const [folder, log] = process.argv.slice(2) as [string, string];
const device = { kind: 'cuda', index: 0, name: 'cuda:0' } as const;
const mark = (text: string) => appendFileSync(log, `MARK ${text}\n`);

const { config, text } = openModel(join(import.meta.dirname, '../../models/tiny'));
for (const dtype of ['F32', 'F16', 'BF16'] as const) {
  const graph = textEncoderGraph(config.text, text.tensors, { attention: 'cuda', dtype, tokens: 64 });
  createSession(graph.bytes, { device, weightsFolder: text.folder }).release();
}
for (const form of ['plain', 'fused'] as const) {
  for (const contextTokens of [0, 208]) {
    const size = { model: 'Wan2.1-T2V-1.3B', layers: 1, tokens: 624, contextTokens, dtype: 'BF16' } as const;
    const { binding, release } = loadLayers({ ...size, folder, device, form });
    binding.run();
    mark(`${form} ${contextTokens}`);
    binding.run();
    mark('end');
    release();
  }
}
