import { layerTensors } from '../../runner/model/tensor-names.ts';
import { stageMemory, transformerBytes } from '../../runner/plan/memory.ts';
import { elementCount } from '../../runner/tensor.ts';
import { deviceMegabytes, timed } from './measure.ts';
import type { PartContext } from './part.ts';
import { configOf, layerOperations, loadLayers, TEXT_TOKENS } from './wide-layers.ts';

interface Case {
  readonly model: 'Wan2.1-T2V-1.3B' | 'Wan2.1-T2V-14B';
  readonly layers: number;
  readonly tokens: number;
  readonly contextTokens?: number;
  readonly optimize?: 'all';
  readonly dtype?: 'F16';
}

const SMALL = 'Wan2.1-T2V-1.3B';
const LARGE = 'Wan2.1-T2V-14B';
const CASES: readonly Case[] = [
  ...[1560, 6240, 18_720].map((tokens) => ({ model: SMALL, layers: 1, tokens }) as const),
  ...[1560, 6240, 18_720].map((tokens) => ({ model: LARGE, layers: 1, tokens }) as const),
  { model: SMALL, layers: 4, tokens: 18_720 },
  { model: SMALL, layers: 4, tokens: 1560 },
  { model: LARGE, layers: 2, tokens: 18_720 },
  { model: SMALL, layers: 1, tokens: 18_720, contextTokens: 6240 },
  { model: SMALL, layers: 1, tokens: 18_720, optimize: 'all' },
  { model: SMALL, layers: 1, tokens: 18_720, dtype: 'F16' },
];

/** Layers of the published widths in bfloat16: time, and the device's memory against the plan's. */
export async function run({ attempt, devices, folder, small, kind }: PartContext): Promise<void> {
  const [device] = devices(1);
  const cases: readonly Case[] = small ? [{ model: SMALL, layers: 1, tokens: 16, contextTokens: 4 }] : CASES;
  for (const { model, layers, tokens, contextTokens = 0, optimize, dtype = 'BF16' } of cases) {
    const extra = `${contextTokens > 0 ? `, context of ${contextTokens}` : ''}${optimize ? ', fused by the runtime' : ''}`;
    await attempt(`${model}: ${layers} layers, ${tokens} tokens in ${dtype}${extra}`, () => {
      const before = deviceMegabytes() ?? 0;
      const common = { folder, device: device!, model, layers, tokens, contextTokens };
      const computed = kind === 'cpu' ? 'F32' : dtype;
      const started = performance.now();
      const stored = kind === 'cpu' ? 'F32' : 'BF16';
      const loaded = loadLayers({ ...common, dtype: computed, stored, ...(optimize ? { optimize } : {}) });
      const loadMilliseconds = performance.now() - started;
      const loadedMegabytes = (deviceMegabytes() ?? 0) - before;
      const times = timed(() => loaded.binding.run(), tokens > 10_000 ? 8 : 15);
      const megabytes = (deviceMegabytes() ?? 0) - before;
      loaded.release();
      const operations = layers * layerOperations(loaded.config, tokens, contextTokens);
      const teraflops = operations / times.milliseconds / 1e9;
      return {
        ...times,
        teraflops,
        loadMilliseconds,
        loadedMegabytes,
        megabytes,
        plan: planned(model, layers, tokens, contextTokens),
      };
    });
  }
}

/** What the plan says of such a stage in bfloat16, in MiB. */
function planned(model: Case['model'], layers: number, windowTokens: number, contextTokens: number) {
  const config = { ...configOf(model), layers };
  const tensors = Array.from({ length: layers }, (_, layer) => [...layerTensors(config, layer)]).flat();
  const bytes = transformerBytes(
    tensors.map(([name, shape]) => [name, 2 * elementCount(shape)] as const),
    layers,
  );
  const settings = { windowTokens, contextTokens, textTokens: TEXT_TOKENS, branches: 1, experts: 1, steps: 1 };
  const [stage] = stageMemory(config, [bytes], [{ firstLayer: 0, endLayer: layers }], {
    ...settings,
    ringSlots: 1,
    bytesPerNumber: 2,
  });
  return Object.fromEntries(Object.entries(stage!).map(([use, amount]) => [use, Math.round(amount / 2 ** 20)]));
}
