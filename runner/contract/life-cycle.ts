import { z } from 'zod';
import { durationField, positiveDurationField } from './duration.ts';
import { ruled } from './rule.ts';

/** Value of `managedBy` that means this operator, as none does. */
export const OWN_MANAGER = 'dualparal.io/operator';

/** Names of labels' values, as far as a queue's name is one. */
const QUEUE = '^[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?$';
const QUEUE_PATTERN = new RegExp(QUEUE);
const MANAGER = '^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/[A-Za-z0-9_.~-]{1,63}$';
const MANAGER_PATTERN = new RegExp(MANAGER);

const queueNameField = ruled(z.string().min(1).max(63), {
  rule: `self.matches('${QUEUE}')`,
  holds: (name) => QUEUE_PATTERN.test(name),
  message: 'must be the name of a LocalQueue: small letters, digits, "-" and "."',
});

const managedByField = ruled(z.string().min(3).max(316), {
  rule: `self.matches('${MANAGER}')`,
  holds: (name) => MANAGER_PATTERN.test(name),
  message: `must be a domain, "/" and a name, such as ${OWN_MANAGER} or kueue.x-k8s.io/multikueue`,
});

const deadlinesField = z
  .object({
    start: positiveDurationField
      .optional()
      .describe(
        'How long an attempt may take from when its Job may run until its runner starts, whatever it waits for: node, image, volume. Then the film fails. Time in a queue does not count. Default: none while it waits for a node, one hour once it holds its GPUs.',
      ),
    stall: positiveDurationField
      .optional()
      .describe(
        'How long a runner may go without getting on, or without being heard of. Then the attempt is ended, which counts as a failure. Default: none.',
      ),
    active: positiveDurationField
      .optional()
      .describe('How long runners may work on the film, all attempts together. Then the film fails. Default: none.'),
    elastic: positiveDurationField
      .optional()
      .describe(
        'How long an attempt may find no node for its GPUs; time in a queue does not count. Then the next attempt takes fewer, where parallelism.minGpus allows it. Default: never.',
      ),
    lostNode: positiveDurationField
      .optional()
      .describe(
        'How long a pod may stay after it should have been gone, as it does when its node is lost. Then it is deleted by force, and the next attempt starts. Default: never.',
      ),
  })
  .prefault({})
  .describe('How long things may take.');

/** Fields about when a film is made and when it goes, none of which changes a bit of it. */
export const lifeCycleShape = {
  suspend: z
    .boolean()
    .default(false)
    .describe('Whether the film waits: an attempt that is at work is told to stop and gives its GPUs back.'),
  queueName: queueNameField
    .optional()
    .describe(
      'LocalQueue of Kueue that says when the film is made. Default: the label kueue.x-k8s.io/queue-name of the resource. Read when a Job is made.',
    ),
  managedBy: managedByField
    .optional()
    .describe(`Who makes the film, if not this operator, which then leaves it alone. Default: ${OWN_MANAGER}.`),
  deadlines: deadlinesField,
  ttlAfterFinished: durationField
    .optional()
    .describe('How long after its end the resource is deleted; its film stays. Default: never.'),
  jobTtlAfterFinished: durationField
    .default('7d')
    .describe('How long after the end of the film its Jobs, pods and their logs are kept.'),
};
