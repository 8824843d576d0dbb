import { z } from 'zod';
import { type AnyMap, boundedMap, startsWithAny } from './bounded-map.ts';
import { type Rule, ruled } from './rule.ts';

/** Keys of labels and annotations that the operator, the Job controller and Kueue write themselves. */
const OWN_PREFIXES = ['dualparal.io/', 'batch.kubernetes.io/', 'kueue.x-k8s.io/'];
const OWN_KEYS = ['job-name', 'controller-uid'];
const OWN_LABELS = ['app.kubernetes.io/name', 'app.kubernetes.io/component', 'app.kubernetes.io/managed-by'];
/** Where a film may run together with others is for people to say, and Kueue reads it here alone. */
const TOPOLOGY_PREFIX = 'kueue.x-k8s.io/podset-';

const ownLabels: Rule<AnyMap> = {
  rule: `!self.exists(key, key in [${quoted([...OWN_KEYS, ...OWN_LABELS])}] || ${startsWithAny('key', OWN_PREFIXES)})`,
  holds: (labels) => !Object.keys(labels).some((key) => OWN_LABELS.includes(key) || isOwn(key)),
  message: `must not have keys that the cluster sets itself: ${[...OWN_PREFIXES.map((prefix) => `${prefix}…`), ...OWN_KEYS, ...OWN_LABELS].join(', ')}; for a queue of Kueue set spec.queueName`,
};

const ownAnnotations: Rule<AnyMap> = {
  rule: `!self.exists(key, key in [${quoted(OWN_KEYS)}] || (!key.startsWith('${TOPOLOGY_PREFIX}') && (${startsWithAny('key', OWN_PREFIXES)})))`,
  holds: (annotations) => !Object.keys(annotations).some((key) => isOwn(key) && !key.startsWith(TOPOLOGY_PREFIX)),
  message: `must not have keys that the cluster sets itself: ${[...OWN_PREFIXES.map((prefix) => `${prefix}…`), ...OWN_KEYS].join(', ')} (but for ${TOPOLOGY_PREFIX}…)`,
};

function isOwn(key: string): boolean {
  return OWN_KEYS.includes(key) || OWN_PREFIXES.some((prefix) => key.startsWith(prefix));
}

function quoted(texts: readonly string[]): string {
  return texts.map((text) => `'${text}'`).join(', ');
}

const labelValueField = z
  .string()
  .max(63)
  .regex(/^([A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?)?$/, {
    error: 'must be a label: letters, digits, "-", "_" and ".", with a letter or digit at both ends',
  });

/** Labels that a film adds to its pod. */
export const podLabelsField = ruled(boundedMap(labelValueField), ownLabels)
  .optional()
  .describe('Further labels of the pod.');

/** Annotations that a film adds to its pod. */
export const podAnnotationsField = ruled(boundedMap(z.string().max(16_384)), ownAnnotations)
  .optional()
  .describe('Further annotations of the pod.');
