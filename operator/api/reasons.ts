/**
 * Reasons of our own in conditions, status and events, each with its sentence. Places in braces are filled by the writer.
 * Reasons that come from elsewhere (scheduler, kubelet, the runner's error codes) are passed on unchanged.
 */
export const REASONS = {
  InvalidSpec: 'the spec is not valid: {problems}',
  HostPathNotAllowed: 'spec.model.source.hostPath is switched off in this cluster: use a claim or an image',
  JobRefused: 'the API server refused Job {job}: {detail}',
  WaitingForPod: 'Job {job} has not made its pod yet',
  WaitingForScheduler: 'pod {pod} waits for the scheduler',
  PodRefused: 'no pod can be made: {detail}',
  ContainerCreating: 'node {node} is preparing pod {pod}: images and volumes',
  RetryLater: 'attempt {attempt} ended ({why}); the next one starts at {time}',
  JobStarted: 'started Job {job}',
  PodScheduled: 'pod {pod} runs on node {node}',
  RunnerStarted: 'the runner has started',
  RunnerWorking: 'the runner is {phase}',
  Finished: 'nothing is left to do',
  FilmReady: 'the film is ready: {location}',
  CompletedWithoutResult: 'Job {job} is complete, but its result is lost with its pod',
  FailuresExhausted: '{found} attempts failed, {limit} retries were allowed; the last: {why}',
  DisruptionsExhausted: 'the cluster took the film away {found} times, {limit} were allowed',
  RunnerFailed: 'the runner ended with exit code {exit}: {meaning}',
  RunnerStopped: 'the runner was told to stop, and stopped cleanly before the end',
  OutOfMemory: 'the runner ran out of memory (the limit of its container): raise spec.runner.resources.limits.memory',
  Killed: 'the runner was killed by signal {signal}',
  PodFailed: 'pod {pod} failed: {detail}',
  JobFailed: 'Job {job} failed: {detail}',
  PodLost: 'pod {pod} is gone',
  NegativePromptUnused: '{detail}',
  RunnerWarns: '{detail}',
  NothingToWarnOf: 'nothing is to be warned of any more',
} as const;

export type Reason = keyof typeof REASONS;

/** A reason with its sentence, or one that is passed on. */
export interface Why {
  readonly reason: string;
  readonly message: string;
}

/** A reason of ours with the places of its sentence filled. */
export function why(reason: Reason, values: Readonly<Record<string, string | number>> = {}): Why {
  return {
    reason,
    message: REASONS[reason].replace(/\{(\w+)\}/g, (place, name: string) => String(values[name] ?? place)),
  };
}
