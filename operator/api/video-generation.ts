import { z } from 'zod';
import { formatsField, framesField } from '#contract/job-spec.ts';
import { generationShape, MAX_FRAMES, modelRefField } from '#contract/manifest.ts';
import type { ObjectMeta } from './kubernetes.ts';
import type { VideoGenerationStatus } from './status.ts';

/** A rule that the API server evaluates (CEL); `self` is the value beside which it stands. */
interface Rule {
  readonly rule: string;
  readonly message: string;
  /** Field that the message is about, where it is one below. */
  readonly fieldPath?: string;
}

const rules = (...list: readonly Rule[]) => ({ 'x-kubernetes-validations': list });

/** A folder below a volume's root: no empty, hidden or upward part. */
const folderField = z
  .string()
  .min(1)
  .max(512)
  .regex(/^[A-Za-z0-9_][A-Za-z0-9._-]*(\/[A-Za-z0-9_][A-Za-z0-9._-]*)*$/);

/** A claim, and a folder below its root. */
const claimField = (path: string) =>
  z.object({
    claimName: z.string().min(1).max(253).describe('Name of a claim in the namespace of the resource.'),
    path: folderField.optional().describe(path),
  });

// A message that names the nearest right numbers would cost more than the API server allows a rule.
const frames = framesField.meta(
  rules({ rule: 'self % 4 == 1', message: 'must be 4k + 1, for instance 77, 81, 1021 or 1025' }),
);

const lengthField = generationShape.length
  .extend({ frames: frames.optional() })
  .describe(generationShape.length.description ?? '')
  .meta(
    rules({
      rule: 'has(self.frames) != has(self.seconds)',
      message: 'exactly one of frames and seconds must be given',
    }),
  );

const modelSourceField = z
  .object({
    persistentVolumeClaim: claimField("Folder of the model below the claim's root. Default: the root.")
      .optional()
      .describe('A claim that holds models; mounted read-only.'),
    image: z
      .object({
        reference: z.string().min(1).max(1024).describe('Reference of the image, best with its digest.'),
        pullPolicy: z
          .enum(['Always', 'IfNotPresent', 'Never'])
          .default('IfNotPresent')
          .describe('When to pull the image.'),
        path: folderField.optional().describe("Folder of the model below the image's root. Default: the root."),
      })
      .optional()
      .describe(
        'An OCI image whose files are the model; mounted read-only as an image volume (Kubernetes 1.35 or later).',
      ),
    hostPath: z
      .object({
        path: z.string().min(1).max(1024).regex(/^\//).describe('Absolute path of a folder of the node.'),
      })
      .optional()
      .describe('A folder of the node; mounted read-only. Only where the operator allows it.'),
  })
  .meta(
    rules({
      rule: '[has(self.persistentVolumeClaim), has(self.image), has(self.hostPath)].exists_one(given, given)',
      message: 'exactly one of persistentVolumeClaim, image and hostPath must be given',
    }),
  )
  .describe('Where the files of the model are: exactly one of the fields.');

const modelField = z
  .object({
    ref: modelRefField,
    source: modelSourceField,
  })
  .describe('The model, in the layout of Diffusers.');

const outputField = z
  .object({
    persistentVolumeClaim: claimField(
      "Folder below the claim's root, under which each film gets one of its own.",
    ).describe('Claim that takes the film.'),
    formats: formatsField,
  })
  .describe('Where the film goes.');

const retriesField = z
  .object({
    failures: z.int().min(0).max(20).default(3).describe('How often to start again after a failure.'),
    disruptions: z
      .int()
      .min(0)
      .max(100)
      .default(20)
      .describe('How often to start again after the cluster took an attempt away: preemption, drain, lost node.'),
  })
  .prefault({})
  .describe('How often to start again. Errors that another try cannot mend are never retried.');

/** A quantity as people write it: `4`, `500m`, `64Gi`. */
const quantityField = z
  .union([z.string().max(32), z.int()])
  .meta({ 'x-kubernetes-int-or-string': true })
  .transform(String);
const quantities = (what: string) => z.record(z.string(), quantityField).optional().describe(what);

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

const runnerField = z
  .object({
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
    resources: z
      .object({
        requests: quantities('What the pod is promised.'),
        limits: quantities('What the pod may use at most.'),
      })
      .optional()
      .describe('CPU, memory and other resources of the pod; its GPUs come from parallelism.gpus.'),
    nodeSelector: z.record(z.string(), z.string()).optional().describe('Labels that the node must have.'),
    tolerations: z.array(tolerationField).max(64).optional().describe('Taints of nodes that the pod tolerates.'),
    priorityClassName: z.string().max(253).optional().describe('Priority of the pod.'),
    serviceAccountName: z
      .string()
      .max(253)
      .optional()
      .describe('Service account of the pod. It needs no rights and gets no token for the API server.'),
  })
  .prefault({})
  .describe('The pod that makes the film.');

/** `spec` of a VideoGeneration: what to make, and what only a cluster has. */
export const specSchema = z
  .object({
    ...generationShape,
    length: lengthField,
    parallelism: generationShape.parallelism.meta(
      rules({
        rule: 'self.contextLatents <= self.blockLatents',
        message: 'must be at most blockLatents',
        fieldPath: '.contextLatents',
      }),
    ),
    model: modelField,
    output: outputField,
    retries: retriesField,
    runner: runnerField,
  })
  .meta(
    rules({
      rule: `!has(self.length.seconds) || self.length.seconds * double(self.fps) <= ${MAX_FRAMES}.0`,
      message: `times fps must be at most ${MAX_FRAMES} frames`,
      fieldPath: '.length.seconds',
    }),
  )
  .describe('What to make, and how.');

export type VideoGenerationSpec = Readonly<z.output<typeof specSchema>>;

/** Fields that a film is made from: they cannot change once a Job was started from them. */
export const GENERATING_FIELDS = [
  'prompt',
  'negativePrompt',
  'seed',
  'length',
  'size',
  'fps',
  'model',
  'sampling',
  'parallelism',
  'decoding',
  'output',
] as const;

/** Rules about the whole object. */
export const ROOT_RULES: readonly Rule[] = [
  {
    rule: 'size(self.metadata.name) <= 63',
    message: 'metadata.name must have at most 63 characters',
  },
  ...GENERATING_FIELDS.map((field) => ({
    rule: `!has(oldSelf.status) || !has(oldSelf.status.startTime) || self.spec.${field} == oldSelf.spec.${field}`,
    message: 'cannot change once the film was started: make a new VideoGeneration',
    fieldPath: `.spec.${field}`,
  })),
];

/** A VideoGeneration as the API server gives it; its `spec` is checked with {@link specSchema} before use. */
export interface VideoGeneration {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
  readonly spec?: unknown;
  readonly status?: VideoGenerationStatus;
}
