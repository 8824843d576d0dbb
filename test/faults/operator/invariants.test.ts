import { expect, it } from 'vitest';
import type { Job, Pod } from '../../../operator/api/kubernetes.ts';
import type { VideoGenerationStatus } from '../../../operator/api/status.ts';
import { job, withEnd } from '../../build/job.ts';
import { ended, pod, running, succeededResult } from '../../build/pod.ts';
import { videoGeneration, withStatus } from '../../build/video-generation.ts';
import type { Change } from './history.ts';
import { promptOf, wrongsOf } from './invariants.ts';

const NAME = 'lighthouse-3f2a9c1b';
type Type = Change['type'];
const condition = (type: string) => [{ type, status: 'True' }];
const status = (fields: object) => fields as VideoGenerationStatus;
const claimed = (attempt: number, more: object = {}) =>
  film({ claim: { attempt, job: `${NAME}-${attempt}` }, ...more });
const FIRST = { attempt: 1, job: `${NAME}-1` };
const film = (fields: object, type: Type = 'MODIFIED'): Change => {
  return { kind: 'film', type, at: 10_000, object: videoGeneration(withStatus(status({ claim: FIRST, ...fields }))) };
};
const ofJob = (object: Job, type: Type = 'ADDED'): Change => ({ kind: 'job', type, at: 10_100, object });
const ofPod = (object: Pod, type: Type = 'ADDED', at = 1000): Change => ({ kind: 'pod', type, at, object });
const map = (attempt: number, prompt: string): Change => {
  const data = { 'job.json': JSON.stringify({ prompt }) };
  const metadata = { name: `${NAME}-${attempt}-0a1b2c3d` };
  return {
    kind: 'map',
    type: 'ADDED',
    at: 10_200,
    object: { apiVersion: 'v1', kind: 'ConfigMap', metadata, immutable: true, data },
  };
};
const done = { phase: 'Succeeded', conditions: condition('Complete'), output: { sha256: succeededResult.film.sha256 } };
const failed = { phase: 'Failed', conditions: condition('Failed'), failures: 1 };
const good: readonly Change[] = [claimed(1), ofJob(job(1)), map(1, promptOf(1)), ofPod(pod(1, running))];
const ready = [ofPod(pod(1, ended(0, succeededResult)), 'MODIFIED'), ofJob(job(1, withEnd('Complete')), 'MODIFIED')];
const broke = [ofPod(pod(1, ended(1)), 'MODIFIED'), ofJob(job(1, withEnd('Failed')), 'MODIFIED')];

it.each<[string, readonly Change[], readonly string[]]>([
  ['a film that is made', [...good, ...ready, film(done)], []],
  ['a film that fails', [...good, ...broke, film(failed)], []],
  [
    'a film that is made at the second try',
    [...good, ...broke, claimed(2), ofJob(job(2)), ofJob(job(2, withEnd('Complete')), 'MODIFIED'), claimed(2, done)],
    [],
  ],
  ['a film that is deleted', [...good, film({}, 'DELETED'), ofJob(job(1), 'DELETED'), ofPod(pod(1), 'DELETED')], []],
  [
    'a film that is deleted while its Job is being made',
    [claimed(1), film({}, 'DELETED'), ofJob(job(1)), ofJob(job(1), 'DELETED')],
    [],
  ],
  [
    'two Jobs',
    [...good, claimed(2), ofJob(job(2)), ...broke, ofJob(job(2, withEnd('Failed')), 'MODIFIED'), film(failed)],
    [
      `${NAME}-2 was made while ${NAME}-1 goes on`,
      `${NAME}-2 was made while ${NAME}-1-abcde holds its GPUs`,
      'the claim went back',
    ],
  ],
  [
    'a Job beside a pod of the last one',
    [
      ...good,
      ofJob(job(1), 'DELETED'),
      claimed(2),
      ofJob(job(2)),
      ofJob(job(2, withEnd('Failed')), 'MODIFIED'),
      ofPod(pod(1), 'DELETED'),
      claimed(2, failed),
    ],
    [`${NAME}-2 was made while ${NAME}-1-abcde holds its GPUs`],
  ],
  ['a Job without a claim', [ofJob(job(1)), ...broke, film(failed)], [`${NAME}-1 was made without a claim`]],
  [
    'a Job of a film that is over',
    [...good, ...ready, claimed(2, done), ofJob(job(2)), ofJob(job(2), 'DELETED')],
    [`${NAME}-2 was made for a film that is over`],
  ],
  [
    'a Job of a film that is gone',
    [claimed(1), { ...film({}, 'DELETED'), at: 5000 }, ofJob(job(1))],
    [`${NAME}-1 was made for a film that is gone`, `${NAME}-1 goes on at the end`],
  ],
  [
    'a result that is lost',
    [...good, ...ready, film(failed)],
    ['failed although its film is there', 'its result was lost'],
  ],
  [
    'a result of another film',
    [...good, ...ready, film({ ...done, output: { sha256: 'b' } })],
    ['its result was lost'],
  ],
  [
    'a success that turns',
    [...good, ...ready, film(done), film({ ...done, phase: 'Running' })],
    ['Succeeded became Running'],
  ],
  [
    'counters that shrink',
    [...good, ...broke, film({ ...failed, failures: 2, disruptions: 3 }), film({ ...failed, disruptions: 2 })],
    ['failures went from 2 to 1', 'disruptions went from 3 to 2'],
  ],
  [
    'an output that is taken back',
    [...good, ...ready, film(done), film({ ...done, output: undefined })],
    ['the output was taken back', 'its result was lost'],
  ],
  [
    'a frozen spec of another generation',
    [claimed(1), ofJob(job(1)), map(1, promptOf(2)), ...ready, film(done)],
    [`${NAME}-1-0a1b2c3d of generation 1 says 'version 2'`],
  ],
  [
    'GPUs that are held',
    [...good, film(failed)],
    [`${NAME}-1 goes on at the end`, `${NAME}-1-abcde holds its GPUs at the end`],
  ],
  [
    'a film that nobody ends',
    [...good, ...broke, film({ phase: 'Running', reason: 'R', message: 'm' })],
    ['did not end: Running, R: m'],
  ],
])('%s', (_what, changes, wrongs) => {
  expect(wrongsOf(changes)).toEqual(wrongs);
});
