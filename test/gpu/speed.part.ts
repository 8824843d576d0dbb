import type { AttentionOperator } from '../../runner/model/attention-operator.ts';
import { edgeBytes } from '../../runner/plan/execution.ts';
import { CUDA_LIBRARIES_BYTES } from '../../runner/plan/process-memory.ts';
import { sessionMemory } from '../../runner/plan/session-memory.ts';
import { judged, planHolds } from './judge.ts';
import { deviceMegabytes, more, timed } from './measure.ts';
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

/** Run first and not judged: of a process that has not yet computed on the device, what grows is CUDA itself as well. */
const FIRST: Case = { model: SMALL, layers: 1, tokens: 16, contextTokens: 4 };

/** Layers of the published widths in bfloat16: time, and the device's memory against the plan's. */
export async function run(context: PartContext): Promise<void> {
  const cases: readonly Case[] = context.small ? [FIRST] : CASES;
  await context.attempt(`${titleOf(FIRST)}, to begin with`, () => measured(context, FIRST));
  for (const one of cases) await context.attempt(titleOf(one), () => withVerdict(context, measured(context, one)));
}

function titleOf({ model, layers, tokens, contextTokens, dtype = 'BF16', form, operator }: Case): string {
  const context = contextTokens === undefined ? undefined : `context of ${contextTokens}`;
  const what = [`${model}: ${layers} layers, ${tokens} tokens in ${dtype}`, context, form, operator];
  return what.filter((part) => part !== undefined).join(', ');
}

function measured({ device, folder, kind }: PartContext, one: Case) {
  const { layers, tokens, contextTokens = 0, dtype = 'BF16' } = one;
  const before = deviceMegabytes(device());
  const types = kind === 'cpu' ? ({ dtype: 'F32', stored: 'F32' } as const) : ({ dtype, stored: 'BF16' } as const);
  const started = performance.now();
  const loaded = loadLayers({ ...one, folder, device: device(), contextTokens, ...types });
  const loadMilliseconds = performance.now() - started;
  const loadedMegabytes = more(before, deviceMegabytes(device()));
  const times = timed(() => loaded.binding.run(), tokens > 10_000 ? 8 : 15);
  const megabytes = more(before, deviceMegabytes(device()));
  loaded.release();
  const operations = layers * layerOperations(loaded.config, tokens, contextTokens);
  const teraflops = operations / times.milliseconds / 1e9;
  const plan = planned(loaded, kind);
  return { ...times, teraflops, loadMilliseconds, loadedMegabytes, megabytes, plan };
}

/** On a card, whose memory alone is counted here: is the plan what the layers took? */
function withVerdict({ kind }: PartContext, figures: ReturnType<typeof measured>) {
  if (kind === 'cpu') return figures;
  const { weights, working, bound } = figures.plan;
  const libraries = CUDA_LIBRARIES_BYTES / 2 ** 20;
  return { ...figures, ...judged(planHolds(weights + working + bound, libraries, figures.megabytes)) };
}

/** What the plan says of such layers with their inputs and outputs on the device, in MiB. */
function planned(
  { graph, lengths }: Pick<ReturnType<typeof loadLayers>, 'graph' | 'lengths'>,
  kind: PartContext['kind'],
) {
  const { weights, working } = sessionMemory(graph, [lengths], { kind, threads: 1, prepack: true });
  const bound = [...graph.inputs, ...graph.outputs].map((edge) => edgeBytes(edge, lengths));
  const megabytes = (bytes: number) => Math.round(bytes / 2 ** 20);
  const all = bound.reduce((sum, bytes) => sum + bytes, 0);
  return { weights: megabytes(weights), working: megabytes(working), bound: megabytes(all) };
}
