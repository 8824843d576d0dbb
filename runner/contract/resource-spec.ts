import { z } from 'zod';
import { generationShape, guidedRule, lengthRule, modelRefField } from './generation.ts';
import { formatsField } from './job-spec.ts';
import { lifeCycleShape } from './life-cycle.ts';
import { ruled } from './rule.ts';
import { runnerSchema } from './runner-fields.ts';

/** Kind and API version of the resource. */
export const RESOURCE_KIND = 'VideoGeneration';
export const RESOURCE_API_VERSION = 'dualparal.io/v1alpha1';

/** One part of a folder's path: not empty, not `.`, not `..`. */
const PART = '([A-Za-z0-9_-][A-Za-z0-9._-]*|[.][A-Za-z0-9_-][A-Za-z0-9._-]*|[.][.][A-Za-z0-9._-]+)';
const FOLDER = `^${PART}(/${PART})*$`;
const FOLDER_PATTERN = new RegExp(FOLDER);

/** A folder below a volume's root. */
const folderField = ruled(z.string().min(1).max(512), {
  rule: `self.matches('${FOLDER}')`,
  holds: (path) => FOLDER_PATTERN.test(path),
  message:
    'must be a folder below the root: names of letters, digits, ".", "_" and "-" with "/" between them, none of them "." or ".."',
});

/** A claim, and a folder below its root. */
const claimField = (path: string) =>
  z.object({
    claimName: z.string().min(1).max(253).describe('Name of a claim in the namespace of the resource.'),
    path: folderField.optional().describe(`${path} Its parts may start with a dot but not be "." or "..".`),
  });

const nodeFolderField = ruled(
  z.string().min(1).max(1024),
  { rule: "self.startsWith('/')", holds: (path) => path.startsWith('/'), message: 'must start with "/"' },
  {
    rule: "!self.matches('(^|/)[.][.](/|$)')",
    holds: (path) => !/(^|\/)[.][.](\/|$)/.test(path),
    message: 'must not have ".." among its parts',
  },
);

const modelSourceField = ruled(
  z.object({
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
      .object({ path: nodeFolderField.describe('Absolute path of a folder of the node.') })
      .optional()
      .describe('A folder of the node; mounted read-only. Only where the operator allows it.'),
  }),
  {
    rule: '[has(self.persistentVolumeClaim), has(self.image), has(self.hostPath)].exists_one(given, given)',
    holds: ({ persistentVolumeClaim, image, hostPath }) =>
      [persistentVolumeClaim, image, hostPath].filter((given) => given !== undefined).length === 1,
    message: 'exactly one of persistentVolumeClaim, image and hostPath must be given',
  },
).describe('Where the files of the model are: exactly one of the fields.');

const outputClaimField = claimField(
  "Folder below the claim's root, under which each film gets one of its own.",
).describe('Claim that takes the film.');

const retriesField = z
  .object({
    failures: z
      .int()
      .min(0)
      .max(20)
      .default(3)
      .describe(
        'How often to start again after a failure. Once an attempt has got further than all before it, by the checkpoints that it made, failures so far are forgotten.',
      ),
    disruptions: z
      .int()
      .min(0)
      .max(100)
      .default(20)
      .describe('How often to start again after the cluster took an attempt away: preemption, drain, lost node.'),
  })
  .prefault({})
  .describe('How often to start again. Errors that another try cannot mend are never retried.');

const runnerField = runnerSchema.prefault({}).describe('The pod that makes the film.');

const ABOUT_MODEL = 'The model, in the layout of Diffusers.';
const ABOUT_OUTPUT = 'Where the film goes.';

/** `spec` of a VideoGeneration: what to make, and what only a cluster has. */
export const specSchema = ruled(
  z.object({
    ...generationShape,
    model: z.object({ ref: modelRefField, source: modelSourceField }).describe(ABOUT_MODEL),
    output: z.object({ persistentVolumeClaim: outputClaimField, formats: formatsField }).describe(ABOUT_OUTPUT),
    retries: retriesField,
    ...lifeCycleShape,
    runner: runnerField,
  }),
  lengthRule,
  guidedRule,
).describe('What to make, and how.');

export type VideoGenerationSpec = Readonly<z.output<typeof specSchema>>;

/** The same for a command without a cluster, which needs neither the model's source nor a claim for the film. */
export const localSpecSchema = ruled(
  z.object({
    ...generationShape,
    model: z.object({ ref: modelRefField, source: modelSourceField.optional() }).describe(ABOUT_MODEL),
    output: z
      .object({ persistentVolumeClaim: outputClaimField.optional(), formats: formatsField })
      .prefault({})
      .describe(ABOUT_OUTPUT),
    retries: retriesField,
    ...lifeCycleShape,
    runner: runnerField,
  }),
  lengthRule,
  guidedRule,
);

export type LocalSpec = Readonly<z.output<typeof localSpecSchema>>;
