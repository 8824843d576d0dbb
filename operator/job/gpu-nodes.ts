import type { Affinity } from '#contract/placement-fields.ts';
import type { RunnerFields } from '#contract/runner-fields.ts';

/** Labels that NVIDIA's GPU feature discovery gives to nodes; memory is that of one GPU, in MiB. */
const PRODUCT_LABEL = 'nvidia.com/gpu.product';
const MEMORY_LABEL = 'nvidia.com/gpu.memory';

const MIB = 2 ** 20;
const UNITS: Readonly<Record<string, number>> = {
  M: 1e6 / MIB,
  G: 1e9 / MIB,
  T: 1e12 / MIB,
  Mi: 1,
  Gi: 2 ** 10,
  Ti: 2 ** 20,
};

type NodeAffinity = NonNullable<Affinity['nodeAffinity']>;
type Required = NonNullable<NodeAffinity['requiredDuringSchedulingIgnoredDuringExecution']>;
type Term = Required['nodeSelectorTerms'][number];
type Expression = NonNullable<Term['matchExpressions']>[number];

/**
 * The film's own affinity, and what it wants of GPUs beside it. Terms of node affinity are alternatives, so what is wanted of GPUs is
 * added to each of them.
 */
export function affinityOf({ affinity, gpu }: RunnerFields): Affinity | undefined {
  const wanted = gpuExpressions(gpu);
  if (wanted.length === 0) return affinity;
  const given = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  const nodeSelectorTerms = given?.map((term) => withExpressions(term, wanted)) ?? [{ matchExpressions: [...wanted] }];
  return {
    ...affinity,
    nodeAffinity: {
      ...affinity?.nodeAffinity,
      requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms },
    },
  };
}

function gpuExpressions(gpu: RunnerFields['gpu']): readonly Expression[] {
  const { products, minMemory } = gpu ?? {};
  const memory = minMemory === undefined ? undefined : mebibytesOf(minMemory);
  return [
    ...(products === undefined ? [] : [{ key: PRODUCT_LABEL, operator: 'In' as const, values: products }]),
    // There is no "at least".
    ...(memory === undefined ? [] : [{ key: MEMORY_LABEL, operator: 'Gt' as const, values: [String(memory - 1)] }]),
  ];
}

/** A term without anything in it fits no node, and must not begin to fit some. */
function withExpressions(term: Term, wanted: readonly Expression[]): Term {
  const { matchExpressions = [], matchFields = [] } = term;
  if (matchExpressions.length + matchFields.length === 0) return term;
  return { ...term, matchExpressions: [...matchExpressions, ...wanted] };
}

/** Whole MiB of `40Gi` or `80G`, rounded up. */
function mebibytesOf(memory: string): number {
  const [, number = '', unit = ''] = /^(\d+)([MGT]i?)$/.exec(memory) ?? [];
  return Math.ceil(Number(number) * (UNITS[unit] ?? 0));
}
