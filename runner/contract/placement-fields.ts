import { z } from 'zod';

/** Where a pod may be placed, in the fields of Kubernetes' own pod: what is misspelt here is refused and not passed over. */

const nameField = z.string().min(1).max(317);

const expressionsField = (operators: readonly [string, ...string[]], what: string) =>
  z
    .array(
      z.object({
        key: nameField.describe(`Key of the ${what}.`),
        operator: z.enum(operators).describe('How its value is compared.'),
        values: z.array(z.string().max(253)).max(256).optional().describe('Values to compare with.'),
      }),
    )
    .max(64)
    .optional();

const NODE_OPERATORS = ['In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt'] as const;
const LABEL_OPERATORS = ['In', 'NotIn', 'Exists', 'DoesNotExist'] as const;

const nodeTermShape = {
  matchExpressions: expressionsField(NODE_OPERATORS, 'label').describe(
    'What the labels of the node must be, all of it.',
  ),
  matchFields: expressionsField(NODE_OPERATORS, 'field').describe('What the fields of the node must be, all of it.'),
};

const selectorField = (what: string) =>
  z
    .object({
      matchLabels: z.record(z.string(), z.string()).optional().describe('Labels with their values.'),
      matchExpressions: expressionsField(LABEL_OPERATORS, 'label').describe('What labels must be, all of it.'),
    })
    .optional()
    .describe(what);

const labelKeysField = (what: string) => z.array(nameField).max(64).optional().describe(what);

const podTermShape = {
  labelSelector: selectorField('Pods that are meant.'),
  namespaceSelector: selectorField('Namespaces of these pods, by labels.'),
  namespaces: z
    .array(z.string().max(63))
    .max(64)
    .optional()
    .describe('Namespaces of these pods. Default: that of the film.'),
  topologyKey: nameField.describe('Label of nodes: nodes with the same value are one place.'),
  matchLabelKeys: labelKeysField('Labels in which these pods must be like this one.'),
  mismatchLabelKeys: labelKeysField('Labels in which these pods must be unlike this one.'),
};

const weightField = z.int().min(1).max(100).describe('How much it counts.');

const podAffinityField = (what: string) =>
  z
    .object({
      requiredDuringSchedulingIgnoredDuringExecution: z
        .array(z.object(podTermShape))
        .max(64)
        .optional()
        .describe('What must hold, all of it.'),
      preferredDuringSchedulingIgnoredDuringExecution: z
        .array(
          z.object({ weight: weightField, podAffinityTerm: z.object(podTermShape).describe('What is preferred.') }),
        )
        .max(64)
        .optional()
        .describe('What is preferred.'),
    })
    .optional()
    .describe(what);

/** `affinity` of a pod. */
export const affinityField = z
  .object({
    nodeAffinity: z
      .object({
        requiredDuringSchedulingIgnoredDuringExecution: z
          .object({
            nodeSelectorTerms: z
              .array(z.object(nodeTermShape))
              .min(1)
              .max(64)
              .describe('Terms of which one must hold.'),
          })
          .optional()
          .describe('What nodes must be.'),
        preferredDuringSchedulingIgnoredDuringExecution: z
          .array(z.object({ weight: weightField, preference: z.object(nodeTermShape).describe('What is preferred.') }))
          .max(64)
          .optional()
          .describe('What nodes had better be.'),
      })
      .optional()
      .describe('Which nodes may take the pod.'),
    podAffinity: podAffinityField('Pods near which it must be.'),
    podAntiAffinity: podAffinityField('Pods near which it must not be.'),
  })
  .describe('Where the pod may be placed.');

export type Affinity = Readonly<z.output<typeof affinityField>>;

/** One of `topologySpreadConstraints` of a pod. */
export const topologySpreadField = z.object({
  maxSkew: z.int().min(1).describe('Most pods by which two places may differ.'),
  topologyKey: nameField.describe('Label of nodes: nodes with the same value are one place.'),
  whenUnsatisfiable: z.enum(['DoNotSchedule', 'ScheduleAnyway']).describe('What becomes of a pod that does not fit.'),
  labelSelector: selectorField('Pods that are counted.'),
  matchLabelKeys: labelKeysField('Labels in which counted pods must be like this one.'),
  minDomains: z.int().min(1).optional().describe('Least number of places.'),
  nodeAffinityPolicy: z
    .enum(['Honor', 'Ignore'])
    .optional()
    .describe('Whether only nodes that the pod may have count.'),
  nodeTaintsPolicy: z.enum(['Honor', 'Ignore']).optional().describe('Whether only nodes without foreign taints count.'),
});
