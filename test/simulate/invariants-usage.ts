import type { Attempt, VideoGenerationStatus } from '../../operator/api/status.ts';

/** What must hold of what a film has cost, of failures that are forgotten and of how many GPUs its attempts have, at every write of its status. */
export function brokenUsage(was: VideoGenerationStatus, is: VideoGenerationStatus): readonly string[] {
  const { gpuSeconds = 0, lostGpuSeconds = 0 } = is.usage ?? {};
  const before = was.usage ?? { gpuSeconds: 0, lostGpuSeconds: 0 };
  const forgotten = is.forgottenFailures ?? 0;
  return [
    ...(gpuSeconds < before.gpuSeconds ? [`gpuSeconds fall from ${before.gpuSeconds} to ${gpuSeconds}`] : []),
    ...(lostGpuSeconds > gpuSeconds ? [`${lostGpuSeconds} of ${gpuSeconds} gpuSeconds are lost`] : []),
    ...(forgotten < (was.forgottenFailures ?? 0) ? ['failures are remembered again'] : []),
    ...(forgotten > is.failures ? [`${forgotten} of ${is.failures} failures are forgotten`] : []),
    ...(is.phase === 'Failed' && lostGpuSeconds < gpuSeconds ? ['a film that failed keeps something'] : []),
    ...unequalSums(was, is),
    ...(is.attempts ?? []).flatMap(brokenAttempt),
  ];
}

/** What the attempts of the list have come to cost, and to lose, is what all of it has grown by. */
function unequalSums(was: VideoGenerationStatus, is: VideoGenerationStatus): readonly string[] {
  // With what a failed film loses go those that are only counted.
  const failed = is.phase === 'Failed' && was.phase !== 'Failed';
  const kept = failed ? (is.attempts ?? []).filter((attempt) => attempt.gpuSeconds !== attempt.lostGpuSeconds) : [];
  return [
    ...unequalSum(was, is, 'gpuSeconds'),
    ...(failed ? [] : unequalSum(was, is, 'lostGpuSeconds')),
    ...kept.map(({ number }) => `attempt ${number} keeps something of a film that failed`),
  ];
}

function unequalSum(
  was: VideoGenerationStatus,
  is: VideoGenerationStatus,
  what: 'gpuSeconds' | 'lostGpuSeconds',
): readonly string[] {
  const of = ({ attempts = [] }: VideoGenerationStatus, { number, podUid }: Attempt) =>
    attempts.find((attempt) => attempt.number === number && attempt.podUid === podUid)?.[what] ?? 0;
  const grown = (is.attempts ?? []).reduce((sum, attempt) => sum + of(is, attempt) - of(was, attempt), 0);
  const total = (is.usage?.[what] ?? 0) - (was.usage?.[what] ?? 0);
  return grown === total ? [] : [`${what} grow by ${total}, those of the attempts by ${grown}`];
}

function brokenAttempt({ number, gpus, gpuSeconds = 0, lostGpuSeconds = 0, outcome }: Attempt): readonly string[] {
  return [
    ...(gpus !== undefined && (gpus < 2 || gpus > 8) ? [`attempt ${number} takes ${gpus} GPUs`] : []),
    ...(lostGpuSeconds > gpuSeconds ? [`attempt ${number} has lost more than it cost`] : []),
    ...(outcome === 'Running' && gpuSeconds > 0 ? [`attempt ${number} is reckoned while it is at work`] : []),
  ];
}
