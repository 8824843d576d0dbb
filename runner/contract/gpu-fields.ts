import { z } from 'zod';
import { type AnyMap, boundedMap, startsWithAny } from './bounded-map.ts';
import { type Rule, ruled } from './rule.ts';

/** Extended resource under which nodes offer whole GPUs. */
export const GPU_RESOURCE = 'nvidia.com/gpu';

/** Quantities as Kubernetes reads them: a number with a unit of powers of 1000 or 1024, or with an exponent. */
const NUMBER = '([0-9]+([.][0-9]*)?|[.][0-9]+)';
const QUANTITY = `^[+-]?${NUMBER}([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?$`;
const LONGEST_QUANTITY = 32;

/** A quantity as people write it: `4`, `500m`, `64Gi`. */
const quantityField = z
  .union([z.string().max(LONGEST_QUANTITY, { abort: true }).regex(new RegExp(QUANTITY), { abort: true }), z.int()], {
    error: `must be a quantity such as 4, 500m or 64Gi, of at most ${LONGEST_QUANTITY} characters`,
  })
  // Both hold for texts alone.
  .meta({ 'x-kubernetes-int-or-string': true, pattern: QUANTITY, maxLength: LONGEST_QUANTITY })
  .transform(String);

/** Resources that are GPUs or parts of them. */
const GPU_PREFIXES = ['nvidia.com/gpu.', 'nvidia.com/mig-'];
const gpusOnce: Rule<AnyMap> = {
  rule: `!self.exists(name, name == '${GPU_RESOURCE}' || ${startsWithAny('name', GPU_PREFIXES)})`,
  holds: (quantities) => {
    const isGpu = (name: string) => name === GPU_RESOURCE || GPU_PREFIXES.some((prefix) => name.startsWith(prefix));
    return !Object.keys(quantities).some(isGpu);
  },
  message:
    'GPUs must not stand here: spec.parallelism.gpus says how many the pod gets, spec.runner.devices under which name nodes offer them',
};
const quantities = (what: string) => ruled(boundedMap(quantityField), gpusOnce).optional().describe(what);

/** `resources` of the pod, but for its GPUs. */
export const resourcesField = z
  .object({
    requests: quantities('What the pod is promised.'),
    limits: quantities('What the pod may use at most.'),
  })
  .optional()
  .describe('CPU, memory and other resources of the pod; its GPUs come from parallelism.gpus.');

/** How the pod asks for its GPUs. */
export const devicesField = ruled(
  z.object({
    resourceName: z
      .string()
      .max(317)
      .regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?[/][A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?$/, {
        error: 'must be the name of a resource of nodes, such as nvidia.com/gpu or nvidia.com/gpu.shared',
      })
      .optional()
      .describe(
        `Resource under which nodes offer them; the pod gets parallelism.gpus of it. Default: ${GPU_RESOURCE}.`,
      ),
    resourceClaimTemplateName: z
      .string()
      .min(1)
      .max(253)
      .optional()
      .describe(
        'ResourceClaimTemplate of the namespace (dynamic resource allocation) whose claim brings parallelism.gpus of them.',
      ),
  }),
  {
    rule: 'has(self.resourceName) != has(self.resourceClaimTemplateName)',
    holds: ({ resourceName, resourceClaimTemplateName }) =>
      (resourceName === undefined) !== (resourceClaimTemplateName === undefined),
    message: 'exactly one of resourceName and resourceClaimTemplateName must be given',
  },
).describe('How the pod asks for its GPUs: exactly one of the fields.');

/** What its GPUs must be. */
export const gpuField = z
  .object({
    products: z
      .array(z.string().min(1).max(63))
      .min(1)
      .max(64)
      .optional()
      .describe(
        'Products of which the GPUs may be, as the node label nvidia.com/gpu.product names them: NVIDIA-H100-80GB-HBM3.',
      ),
    minMemory: z
      .string()
      .max(16)
      .regex(/^[1-9][0-9]{0,8}([MGT]i?)$/, { error: 'must be whole with a unit: M, G, T, Mi, Gi or Ti, such as 40Gi' })
      .optional()
      .describe('Least memory of one GPU, by the node label nvidia.com/gpu.memory. An H100 of 80 GB has 79Gi.'),
  })
  .describe("What the node's GPUs must be, by the labels of NVIDIA's GPU feature discovery. It holds beside affinity.");

type Devices = { readonly devices?: z.output<typeof devicesField> | undefined };
type Resources = {
  readonly resources?: { readonly requests?: AnyMap | undefined; readonly limits?: AnyMap | undefined } | undefined;
};

/** The count of devices stands in one place, whatever their name. */
export const devicesOnce: Rule<Devices & Resources> = {
  rule: '!has(self.devices) || !has(self.devices.resourceName) || !has(self.resources) || ((!has(self.resources.requests) || !(self.devices.resourceName in self.resources.requests)) && (!has(self.resources.limits) || !(self.devices.resourceName in self.resources.limits)))',
  holds: ({ devices, resources }) =>
    devices?.resourceName === undefined ||
    ![resources?.requests, resources?.limits].some((map) => Object.hasOwn(map ?? {}, devices.resourceName ?? '')),
  message: 'must not have the resource of devices.resourceName: spec.parallelism.gpus says how many the pod gets',
  fieldPath: '.resources',
};
