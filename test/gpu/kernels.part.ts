import { ATTENTION_OPERATORS } from '../../runner/model/attention-operator.ts';
import { attentionGraph } from './attention.part.ts';
import { load } from './measure.ts';
import type { PartContext } from './part.ts';
import { loadLayers } from './wide-layers.ts';

/** One layer at 1.3B width, once, for a profiler that lists its kernels; and each attention operator on the same tokens. */
export async function run({ attempt, device, folder, small, kind }: PartContext): Promise<void> {
  const dtype = kind === 'cpu' ? 'F32' : 'BF16';
  const tokens = small ? 16 : 18_720;
  await attempt(`the layer's kernels at ${tokens} tokens`, () => {
    const size = { layers: 1, tokens, contextTokens: small ? 4 : 6240 };
    const { binding, release } = loadLayers({ folder, device: device(), model: 'Wan2.1-T2V-1.3B', ...size, dtype });
    binding.run();
    release();
    return {};
  });
  for (const operator of ATTENTION_OPERATORS) {
    await attempt(`${operator}'s kernels`, () => {
      const loaded = load(attentionGraph(operator, dtype, 12), { device: device(), lengths: { S: tokens } });
      loaded.binding.run();
      loaded.release();
      return {};
    });
  }
}
