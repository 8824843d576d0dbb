import { z } from 'zod';
import { devicesField, devicesOnce, gpuField, resourcesField } from './gpu-fields.ts';
import { affinityField, topologySpreadField } from './placement-fields.ts';
import { podAnnotationsField, podLabelsField } from './pod-keys.ts';
import { ruled } from './rule.ts';

const tolerationField = z.object({
  key: z.string().optional().describe('Key of the taint; none with operator Exists means every taint.'),
  operator: z.enum(['Equal', 'Exists']).optional().describe('How key and value are compared. Default: Equal.'),
  value: z.string().optional().describe('Value of the taint.'),
  effect: z
    .enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute'])
    .optional()
    .describe('Effect of the taint; none means all.'),
  tolerationSeconds: z.int().optional().describe('How long a NoExecute taint is tolerated.'),
});

/** `spec.runner`, and the administrators' defaults for it. */
export const runnerSchema = ruled(
  z.object({
    image: z.string().min(1).max(1024).optional().describe("Image of the runner. Default: the operator's setting."),
    imagePullPolicy: z
      .enum(['Always', 'IfNotPresent', 'Never'])
      .optional()
      .describe('When to pull the image of the runner.'),
    imagePullSecrets: z
      .array(z.object({ name: z.string().min(1).max(253).describe('Name of a Secret in the namespace.') }))
      .max(16)
      .optional()
      .describe('Secrets with which images are pulled.'),
    podLabels: podLabelsField,
    podAnnotations: podAnnotationsField,
    resources: resourcesField,
    devices: devicesField.optional(),
    gpu: gpuField.optional(),
    nodeSelector: z.record(z.string(), z.string()).optional().describe('Labels that the node must have.'),
    affinity: affinityField.optional(),
    topologySpreadConstraints: z
      .array(topologySpreadField)
      .max(16)
      .optional()
      .describe(
        'How pods are spread over places of the cluster. Pods of films have the label app.kubernetes.io/name: dualparal.',
      ),
    tolerations: z.array(tolerationField).max(64).optional().describe('Taints of nodes that the pod tolerates.'),
    runtimeClassName: z.string().min(1).max(253).optional().describe('Runtime class of the pod, where GPUs need one.'),
    terminationGracePeriodSeconds: z
      .int()
      .min(10)
      .max(86_400)
      .optional()
      .describe(
        'Seconds that the runner has from being told to stop until it is killed: for its iteration and its checkpoint. Default: 50, and what its largest checkpoint takes at 100 MB a second; 60 at least, 3600 at most.',
      ),
    priorityClassName: z.string().max(253).optional().describe('Priority of the pod.'),
    serviceAccountName: z
      .string()
      .max(253)
      .optional()
      .describe('Service account of the pod. It needs no rights and gets no token for the API server.'),
  }),
  devicesOnce,
);

export type RunnerFields = Readonly<z.output<typeof runnerSchema>>;
