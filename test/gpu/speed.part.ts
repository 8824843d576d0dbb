import type { AttentionOperator } from '../../runner/model/attention-operator.ts';
import { edgeBytes } from '../../runner/plan/execution.ts';
import { sessionMemory } from '../../runner/plan/session-memory.ts';
import { deviceMegabytes, timed } from './measure.ts';
import type { PartContext } from './part.ts';
import { layerOperations, loadLayers } from './wide-layers.ts';

interface Case {
  readonly model: 'Wan2.1-T2V-1.3B' | 'Wan2.1-T2V-14B';
  readonly layers: number;
  readonly tokens: number;
  readonly contextTokens?: number;
  readonly dtype?: 'F16' | 'BF16';
  /** Fused where absent, and by the operator that the runner would choose. */
  readonly form?: 'plain';
  readonly operator?: AttentionOperator;
}

const SMALL = 'Wan2.1-T2V-1.3B';
const LARGE = 'Wan2.1-T2V-14B';
const CASES: readonly Case[] = [
  ...[18_720, 1560, 6240].map((tokens) => ({ model: SMALL, layers: 1, tokens }) as const),
  ...[18_720, 1560, 6240].map((tokens) => ({ model: LARGE, layers: 1, tokens }) as const),
  { model: SMALL, layers: 1, tokens: 18_720, contextTokens: 6240 },
  { model: SMALL, layers: 4, tokens: 18_720 },
  { model: SMALL, layers: 1, tokens: 18_720, form: 'plain' },
  { model: SMALL, layers: 1, tokens: 18_720, form: 'plain', operator: 'Attention' },
  { model: SMALL, layers: 1, tokens: 18_720, operator: 'Attention' },
  { model: LARGE, layers: 1, tokens: 18_720, form: 'plain', operator: 'Attention' },
  { model: SMALL, layers: 1, tokens: 18_720, dtype: 'F16' },
];

/** Layers of the published widths in bfloat16: time, and the device's memory against the plan's. */
export async function run(context: PartContext): Promise<void> {
  const cases: readonly Case[] = context.small ? [{ model: SMALL, layers: 1, tokens: 16, contextTokens: 4 }] : CASES;
  for (const one of cases) await context.attempt(titleOf(one), () => measured(context, one));
}

function titleOf({ model, layers, tokens, contextTokens, dtype = 'BF16', form, operator }: Case): string {
  const context = contextTokens === undefined ? undefined : `context of ${contextTokens}`;
  const what = [`${model}: ${layers} layers, ${tokens} tokens in ${dtype}`, context, form, operator];
  return what.filter((part) => part !== undefined).join(', ');
}

function measured({ device, folder, kind }: PartContext, one: Case) {
  const { layers, tokens, contextTokens = 0, dtype = 'BF16' } = one;
  const before = deviceMegabytes() ?? 0;
  const types = kind === 'cpu' ? ({ dtype: 'F32', stored: 'F32' } as const) : ({ dtype, stored: 'BF16' } as const);
  const started = performance.now();
  const loaded = loadLayers({ ...one, folder, device: device(), contextTokens, ...types });
  const loadMilliseconds = performance.now() - started;
  const loadedMegabytes = (deviceMegabytes() ?? 0) - before;
  const times = timed(() => loaded.binding.run(), tokens > 10_000 ? 8 : 15);
  const megabytes = (deviceMegabytes() ?? 0) - before;
  loaded.release();
  const operations = layers * layerOperations(loaded.config, tokens, contextTokens);
  const teraflops = operations / times.milliseconds / 1e9;
  const plan = planned(loaded, kind);
  return { ...times, teraflops, loadMilliseconds, loadedMegabytes, megabytes, plan };
}

/** What the plan says of such layers with their inputs and outputs on the device, in MiB. */
function planned(
  { graph, lengths }: Pick<ReturnType<typeof loadLayers>, 'graph' | 'lengths'>,
  kind: PartContext['kind'],
) {
  const { weights, working } = sessionMemory(graph, [lengths], { kind, threads: 1, prepack: true });
  const bound = [...graph.inputs, ...graph.outputs].map((edge) => edgeBytes(edge, lengths));
  const uses = { weights, working, bound: bound.reduce((sum, bytes) => sum + bytes, 0) };
  return Object.fromEntries(Object.entries(uses).map(([use, amount]) => [use, Math.round(amount / 2 ** 20)]));
}
