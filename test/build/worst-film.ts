/** A film that meets everything that can make a status long: as many attempts as a spec allows, and nobody is brief. */
import type { VideoGenerationStatus } from '../../operator/api/status.ts';
import { decide } from '../../operator/reconcile/decide.ts';
import { job, withEnd } from './job.ts';
import { type Cluster, observed, progressRecord } from './observed.ts';
import {
  ended,
  onNode,
  pod,
  running,
  withCondition,
  withContainer,
  withHealth,
  withStatus as withPodStatus,
} from './pod.ts';
import { videoGeneration, withSpec, withStatus } from './video-generation.ts';

/** Most that a spec may ask for, and that Kubernetes and the endpoint let through. */
const RETRIES = { failures: 20, disruptions: 100 };
const GPUS = 64;
const TERMINATION_CHARACTERS = 4_000;
const MESSAGE_CHARACTERS = 32_000;
const NODE = `node-${'n'.repeat(248)}`;
/** Six bytes of JSON each. */
const LONG = '\u0001'.repeat(MESSAGE_CHARACTERS);
const START = Date.parse('2026-01-01T00:30:00Z');
const ROUND_MS = 1_000_000;

/** The statuses that it has, one after another. */
export function* worstFilm(): Generator<VideoGenerationStatus> {
  const film = videoGeneration(withSpec({ retries: RETRIES, parallelism: { gpus: GPUS } }));
  let status = film.status;
  let now = START;
  const round = (cluster: Cluster) => {
    now += ROUND_MS;
    status = decide({ ...observed({ ...cluster, film: withStatus(status)(film) }), live: true }, now).status ?? status;
    return status;
  };
  const next = function* (cluster: Cluster) {
    const found = round(cluster);
    if (found !== undefined) yield found;
  };
  for (let number = 1; number <= RETRIES.failures + RETRIES.disruptions; number += 1) {
    const failed = number % (RETRIES.disruptions / RETRIES.failures + 1) === 0;
    yield* next({ jobs: [job(number)], pods: [badlyWaiting(number)] });
    yield* next({ jobs: [job(number)], pods: [ailing(number)], reports: reportOf(number) });
    yield* next({ jobs: [failed ? failedJob(number) : job(number)], pods: [endedPod(number, failed)] });
  }
  const last = RETRIES.failures + RETRIES.disruptions + 1;
  yield* next({ jobs: [job(last)], pods: [badlyWaiting(last)], reports: reportOf(last) });
  yield* next({ jobs: [job(last)], pods: [ailing(last)], reports: reportOf(last) });
  yield* next({ jobs: [job(last, withEnd('Failed', 'PodFailurePolicy', LONG))], pods: [endedPod(last, true)] });
}

const failedJob = (number: number) => job(number, withEnd('Failed', 'BackoffLimitExceeded', LONG));

function badlyWaiting(number: number) {
  const reason = `Because${'X'.repeat(1_000)}`;
  const waiting = withContainer({ waiting: { reason, message: LONG } });
  return pod(number, withCondition({ type: 'PodScheduled', status: 'False', reason, message: LONG }), waiting);
}

function ailing(number: number) {
  const devices = Array.from({ length: GPUS }, (_, i) => [`GPU-${'\u0001'.repeat(200)}-${i}`, 'Unhealthy'] as const);
  return pod(number, running, onNode(NODE), withHealth(Object.fromEntries(devices), LONG.slice(0, 700)));
}

function endedPod(number: number, failed: boolean) {
  const words = ended(1, '\u0001'.repeat(TERMINATION_CHARACTERS));
  if (failed) return pod(number, onNode(NODE), words);
  const evicted = { type: 'DisruptionTarget', status: 'True', reason: 'Evicted', message: LONG } as const;
  return pod(number, onNode(NODE), words, withCondition(evicted), withPodStatus({ message: LONG }));
}

function reportOf(number: number) {
  const stage = { device: 'cuda:63 of a node '.repeat(100), firstLayer: 1_000, endLayer: 1_000 };
  const stages = Array.from({ length: 500 }, () => ({ ...stage, weightBytes: 2 ** 40, memoryBytes: 2 ** 40 }));
  const plan = { latents: 10_000, blocks: 10_000, stride: 100, iterations: 10_000, blockSteps: 1_000_000, stages };
  const warnings = Array.from({ length: 100 }, (_, i) => `${i} ${LONG.slice(0, 700)}`);
  return { [`pod-${number}`]: progressRecord({ plan, warnings }) };
}
