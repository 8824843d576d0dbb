import { expect, test } from 'vitest';
import { job, withEnd } from '../../../test/build/job.ts';
import { type Cluster, observed, progressRecord } from '../../../test/build/observed.ts';
import { onNode, pod, running } from '../../../test/build/pod.ts';
import { videoGeneration, withSpec, withStatus } from '../../../test/build/video-generation.ts';
import { decide } from '../decide.ts';

const NOW = Date.parse('2026-01-01T00:30:00Z');
const LONG = 'prompt is too long: its last 88 tokens are cut, the model reads 512';
const UNUSED = 'negativePrompt has no effect: sampling.guidanceScale is 1, and guidance works above 1 only';
const unused = withSpec({ negativePrompt: 'blurred', sampling: { guidanceScale: 1 } });

/** Status, reason and message of the condition `Warnings` after one round after another. */
function warningsAfter(...rounds: readonly Cluster[]) {
  let status = videoGeneration().status;
  for (const round of rounds) {
    const film = round.film ?? videoGeneration();
    status = decide(observed({ ...round, film: withStatus(status)(film) }), NOW).status ?? status;
  }
  const found = status?.conditions.find(({ type }) => type === 'Warnings');
  return found && [found.status, found.reason, found.message];
}

const working: Cluster = { jobs: [job(1)], pods: [pod(1, onNode(), running)], frozen: ['job-1'] };
const reports = (warnings?: readonly string[]) => {
  const uid = pod(1, onNode(), running).metadata.uid ?? '';
  return { ...working, reports: { [uid]: progressRecord(warnings === undefined ? {} : { warnings: [...warnings] }) } };
};

test.each<[string, readonly Cluster[], readonly string[] | undefined]>([
  ['of a plain film there is none', [{}, working, reports()], undefined],
  [
    'what the spec alone tells is said at once',
    [{ film: videoGeneration(unused) }],
    ['True', 'NegativePromptUnused', UNUSED],
  ],
  ['what the runner tells is said', [{}, reports([LONG])], ['True', 'RunnerWarns', LONG]],
  [
    'both are said, each once',
    [{ ...reports([LONG, UNUSED]), film: videoGeneration(unused) }],
    ['True', 'RunnerWarns', `${UNUSED}; ${LONG}`],
  ],
  ['it stays while nobody reports', [reports([LONG]), working], ['True', 'RunnerWarns', LONG]],
  [
    'it stays when the film is over',
    [reports([LONG]), { jobs: [job(1, withEnd('Complete'))], pods: [] }],
    ['True', 'RunnerWarns', LONG],
  ],
  [
    'it goes when the runner has nothing to warn of any more',
    [reports([LONG]), reports()],
    ['False', 'NothingToWarnOf', 'nothing is to be warned of any more'],
  ],
])('%s', (_what, rounds, expected) => {
  expect(warningsAfter(...rounds)).toEqual(expected);
});
