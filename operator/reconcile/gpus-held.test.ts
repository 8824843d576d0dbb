import { expect, it } from 'vitest';
import { sourcesOf } from '../../test/build/observed.ts';
import { ended, onNode, pod, running } from '../../test/build/pod.ts';
import { videoGeneration, withSpec } from '../../test/build/video-generation.ts';
import type { Pod } from '../api/kubernetes.ts';
import { ANNOTATION_GPUS } from '../api/labels.ts';
import { gpusHeld } from './gpus-held.ts';

const withGpus =
  (gpus: number) =>
  (made: Pod): Pod => {
    return { ...made, metadata: { ...made.metadata, annotations: { [ANNOTATION_GPUS]: String(gpus) } } };
  };

it.each<[string, readonly Pod[], number]>([
  ['that waits for a node holds none', [pod(1)], 0],
  ['that waits on a node holds its own', [pod(1, onNode())], 4],
  ['at work holds its own', [pod(1, running)], 4],
  ['that has ended holds none', [pod(1, ended(1))], 0],
  ['that asks for fewer than its film holds so many', [withGpus(2)(pod(1, running))], 2],
  ['and another one hold both', [pod(1, running), pod(2, onNode())], 8],
])('a pod %s', (_what, pods, expected) => {
  const film = videoGeneration(withSpec({ parallelism: { gpus: 4 } }));
  expect(gpusHeld(sourcesOf({ film, pods }))).toBe(expected);
});
