import type { FloatType } from '../../runner/tensor.ts';
import { judged, MOST_RELATIVE, relativeWithin, sameBits } from './judge.ts';
import { errors, numbersOf, typesOn } from './measure.ts';
import type { PartContext } from './part.ts';
import { type LayersSettings, loadLayers } from './wide-layers.ts';

/** Forms of the layer in every type of the matrix work, the fused one also with a left context that is used again; the plain one for comparison. */
const VARIANTS: readonly {
  readonly form: 'plain' | 'fused';
  readonly dtypes: readonly FloatType[];
  readonly reusesLeft: boolean;
}[] = [
  { form: 'fused', dtypes: ['BF16', 'F16', 'F32'], reusesLeft: false },
  { form: 'fused', dtypes: ['BF16', 'F16'], reusesLeft: true },
  { form: 'plain', dtypes: ['BF16', 'F16'], reusesLeft: false },
];

/**
 * One layer as wide as each published model's on the device, against float32 on the processor: the same weights and inputs, and
 * the same form, since keys and values of a context are with or without their bias by form.
 */
export async function run({ attempt, device, folder, small }: PartContext): Promise<void> {
  const models = small ? (['Wan2.1-T2V-1.3B'] as const) : (['Wan2.1-T2V-1.3B', 'Wan2.1-T2V-14B'] as const);
  for (const { model, form, dtypes, reusesLeft } of models.flatMap((model) =>
    VARIANTS.map((one) => ({ model, ...one })),
  )) {
    const shape = { layers: 1, tokens: small ? 24 : 1560, contextTokens: small ? 8 : 520 };
    const size = { folder, model, ...shape, form, reusesLeft };
    const wanted = outputsOf({ ...size, device: CPU, dtype: 'F32' });
    const reuse = reusesLeft ? ', left context used again' : '';
    for (const dtype of dtypes.filter((type) => typesOn(device().kind).includes(type))) {
      await attempt(`${model}: a ${form} layer in ${dtype}${reuse}`, () => {
        const found = outputsOf({ ...size, device: device(), dtype, stored: 'F32' });
        const again = outputsOf({ ...size, device: device(), dtype, stored: 'F32' });
        return { tokens: size.tokens, ...compared(found, { wanted, again }, MOST_RELATIVE.layer[dtype]) };
      });
    }
  }
}

/** What a layer gives and keeps, against the processor's, and against what it gave before. */
function compared(found: Numbers, { wanted, again }: Readonly<Record<'wanted' | 'again', Numbers>>, most: number) {
  const of = (name: string) => errors(found.get(name)!, wanted.get(name)!);
  const [whole, keptKeys] = [of('y'), of('keepk.0')];
  const bytes = (numbers: Numbers) => Buffer.from(numbers.get('y')!.buffer);
  const sameBitsAgain = bytes(found).equals(bytes(again));
  const verdict = judged(
    relativeWithin(whole, most),
    relativeWithin(keptKeys, most, 'relative error of kept keys'),
    sameBits(sameBitsAgain, 'the first time'),
  );
  return { ...whole, keptKeys, sameBitsAgain, ...verdict };
}

const CPU = { kind: 'cpu', index: 0, name: 'cpu:0' } as const;

type Numbers = ReadonlyMap<string, Float32Array>;

function outputsOf(settings: LayersSettings): Numbers {
  const { binding, outputs, release } = loadLayers({ ...settings, readable: true });
  binding.run();
  const numbers = new Map(
    [...outputs].filter(([, { data }]) => data !== null).map(([name, value]) => [name, numbersOf(value).slice()]),
  );
  release();
  return numbers;
}
