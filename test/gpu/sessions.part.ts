import { join } from 'node:path';
import { contextGraph, timeGraph } from '../../runner/model/condition.ts';
import { embedGraph } from '../../runner/model/embed.ts';
import type { Graph } from '../../runner/model/graph.ts';
import { headGraph } from '../../runner/model/head.ts';
import { crossKvGraph, sliceGraph } from '../../runner/model/layers.ts';
import { textEncoderGraph } from '../../runner/model/text-encoder.ts';
import { vaeChunkGraph } from '../../runner/model/vae-decoder.ts';
import { openModel } from '../../runner/weights/open-model.ts';
import { computeOn } from './devices.ts';
import { type Loaded, load, typesOn } from './measure.ts';
import type { PartContext } from './part.ts';
import { sliceInputs } from './wide-layers.ts';

const TINY = join(import.meta.dirname, '../../models/tiny');
const LENGTHS = { S: 180, P: 72, R: 72, 'S+R': 252, 'P+S+R': 324, L: 64, T: 3 };
/** As the tokenizer leaves a text: numbers of its words, and all of them counted. */
const TEXT = { ids: new BigInt64Array(LENGTHS.L).fill(1n), mask: new BigInt64Array(LENGTHS.L).fill(1n) };

/** Every kind of graph of the tiny model in every type: does it load, and does it run? */
export async function run({ attempt, device, kind }: PartContext): Promise<void> {
  const { config, transformer, text, vae } = openModel(TINY);
  const window = { frames: 5, height: 12, width: 12 };
  for (const dtype of typesOn(kind)) {
    const compute = computeOn(device(), dtype);
    const layers = { ...compute, firstLayer: 0, endLayer: 2, contextTokens: 72 };
    const chunk = { height: 12, width: 12, attention: kind, dtype: dtype === 'BF16' ? 'F32' : dtype } as const;
    const t = transformer.tensors;
    const graphs: Record<string, readonly [() => Graph, string]> = {
      time: [() => timeGraph(config.transformer, t), transformer.folder],
      context: [() => contextGraph(config.transformer, t, compute), transformer.folder],
      embed: [() => embedGraph(config.transformer, t, window, compute), transformer.folder],
      'prompt keys': [() => crossKvGraph(config.transformer, t, layers), transformer.folder],
      slice: [() => sliceGraph(config.transformer, t, layers), transformer.folder],
      'slice, left context used again': [
        () => sliceGraph(config.transformer, t, { ...layers, reusesLeft: true }),
        transformer.folder,
      ],
      head: [() => headGraph(config.transformer, t, window, compute), transformer.folder],
      'text encoder': [() => textEncoderGraph(config.text, text.tensors, { ...compute, tokens: 64 }), text.folder],
      ...(dtype === 'BF16'
        ? {}
        : {
            'decoder, first': [() => vaeChunkGraph(config.vae, vae.tensors, { ...chunk, kind: 'first' }), vae.folder],
            'decoder, steady': [() => vaeChunkGraph(config.vae, vae.tensors, { ...chunk, kind: 'steady' }), vae.folder],
          }),
    };
    for (const [name, [build, weightsFolder]] of Object.entries(graphs)) {
      let loaded: Loaded | undefined;
      await attempt(`${name} in ${dtype} loads`, () => {
        const leftTokens = name === 'slice, left context used again' ? LENGTHS.P : 0;
        const tokens = LENGTHS.S + leftTokens;
        const { given, inPlaceOf } = sliceInputs(config.transformer, { tokens, contextTokens: LENGTHS.R, leftTokens });
        const settings = { device: device(), weightsFolder, lengths: LENGTHS, inPlaceOf };
        loaded = load(build(), { ...settings, given: { ...given, ...TEXT } });
        return { inputs: loaded.session.inputs.length };
      });
      if (loaded === undefined) continue;
      await attempt(`${name} in ${dtype} runs`, () => {
        loaded!.binding.run();
        return {};
      });
      loaded.release();
    }
  }
}
