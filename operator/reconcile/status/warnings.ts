import { unusedNegativePrompt } from '#contract/prompt-field.ts';
import type { ConditionsSaid } from '../../api/conditions.ts';
import { why } from '../../api/reasons.ts';
import type { Observed } from '../observed.ts';
import type { Verdict } from '../verdict.ts';

/** The longest message that a condition takes (`metav1.Condition`). */
const MESSAGE_CHARACTERS = 32_768;

/**
 * Condition `Warnings`: what people should know of a film that is made all the same. The spec alone says some of it, before
 * anything runs; the rest is the runner's. Nothing is claimed while a new pod has not reported, so what was said stays.
 */
export function warningsCondition(observed: Observed, verdict: Verdict): ConditionsSaid {
  const fromSpec = observed.spec === undefined ? undefined : unusedNegativePrompt(observed.spec);
  const fromRunner = runnerWarnings(observed, verdict);
  const all = [...new Set([...(fromSpec === undefined ? [] : [fromSpec]), ...(fromRunner ?? [])])];
  const before = observed.status?.conditions.find(({ type }) => type === 'Warnings');
  if (fromRunner === undefined && before?.status === 'True') return {};
  if (all.length === 0) {
    return before === undefined ? {} : { Warnings: { status: 'False', ...why('NothingToWarnOf') } };
  }
  const detail = all.join('; ').slice(0, MESSAGE_CHARACTERS);
  const reason = all.length === 1 && all[0] === fromSpec ? 'NegativePromptUnused' : 'RunnerWarns';
  return { Warnings: { status: 'True', ...why(reason, { detail }) } };
}

/** What the runner warned of; undefined where it has not said anything yet, or its result had no room for it. */
function runnerWarnings({ report }: Observed, verdict: Verdict): readonly string[] | undefined {
  const told = verdict.outcome === 'complete' ? (verdict.result?.warnings ?? report?.warnings) : report?.warnings;
  return told ?? (report === undefined ? undefined : []);
}
