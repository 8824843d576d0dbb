import type { FloatType } from '../../runner/tensor.ts';
import { errors, numbersOf } from './measure.ts';
import type { PartContext } from './part.ts';
import { type LayersSettings, loadLayers } from './wide-layers.ts';

/** Forms of the layer in every type of the matrix work; the plain one for comparison. */
const VARIANTS: readonly { readonly form: 'plain' | 'fused'; readonly dtypes: readonly FloatType[] }[] = [
  { form: 'fused', dtypes: ['BF16', 'F16', 'F32'] },
  { form: 'plain', dtypes: ['BF16', 'F16'] },
];

/**
 * One layer as wide as each published model's on the device, against float32 on the processor: the same weights and inputs, and
 * the same form, since keys and values of a context are with or without their bias by form.
 */
export async function run({ attempt, devices, folder, small }: PartContext): Promise<void> {
  const [device] = devices(1);
  const models = small ? (['Wan2.1-T2V-1.3B'] as const) : (['Wan2.1-T2V-1.3B', 'Wan2.1-T2V-14B'] as const);
  for (const model of models) {
    const size = { folder, model, layers: 1, tokens: small ? 24 : 1560, contextTokens: small ? 8 : 520 };
    const cpu = { kind: 'cpu', index: 0, name: 'cpu:0' } as const;
    for (const { form, dtypes } of VARIANTS) {
      const wanted = outputsOf({ ...size, device: cpu, dtype: 'F32', form });
      for (const dtype of device!.kind === 'cpu' ? dtypes.filter((type) => type !== 'BF16') : dtypes) {
        await attempt(`${model}: a ${form} layer in ${dtype}`, () => {
          const found = outputsOf({ ...size, device: device!, dtype, form, stored: 'F32' });
          const again = outputsOf({ ...size, device: device!, dtype, form, stored: 'F32' });
          const y = found.get('y')!;
          return {
            tokens: size.tokens,
            ...errors(y, wanted.get('y')!),
            keptKeys: errors(found.get('keepk.0')!, wanted.get('keepk.0')!),
            sameBitsAgain: Buffer.compare(Buffer.from(y.buffer), Buffer.from(again.get('y')!.buffer)) === 0,
          };
        });
      }
    }
  }
}

function outputsOf(settings: LayersSettings): ReadonlyMap<string, Float32Array> {
  const { binding, outputs, release } = loadLayers({ ...settings, readable: true });
  binding.run();
  const numbers = new Map(
    [...outputs].filter(([, { data }]) => data !== null).map(([name, value]) => [name, numbersOf(value).slice()]),
  );
  release();
  return numbers;
}
