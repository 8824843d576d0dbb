import { z } from 'zod';
import { specSchema } from '#contract/resource-spec.ts';
import { GROUP, KIND, PLURAL, SHORT_NAME, VERSION } from './labels.ts';
import { statusSchema } from './status.ts';
import { ROOT_RULES } from './video-generation.ts';

/** Schema as Kubernetes takes it. */
type Schema = { [key: string]: unknown };

const COLUMNS = [
  { name: 'Phase', type: 'string', jsonPath: '.status.phase', description: 'Where the film stands.' },
  { name: 'Percent', type: 'integer', jsonPath: '.status.progress.percent', description: 'Work done, in hundredths.' },
  { name: 'Frames', type: 'integer', jsonPath: '.status.progress.framesReady', description: 'Frames written.' },
  { name: 'ETA', type: 'string', jsonPath: '.status.progress.eta', description: 'Time to go.' },
  { name: 'GPUs', type: 'integer', jsonPath: '.spec.parallelism.gpus', description: 'Devices on one node.' },
  { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Since it was asked for.' },
  { name: 'Why', type: 'string', jsonPath: '.status.reason', description: 'Why it is not running, or why it failed.' },
  {
    name: 'Of',
    type: 'integer',
    jsonPath: '.status.progress.framesTotal',
    description: 'Frames of the film.',
    priority: 1,
  },
  { name: 'Message', type: 'string', jsonPath: '.status.message', description: 'The same in a sentence.', priority: 1 },
];

/** The CustomResourceDefinition, made from the schemas of spec and status. */
export function customResourceDefinition(): Schema {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${PLURAL}.${GROUP}` },
    spec: {
      group: GROUP,
      names: {
        kind: KIND,
        listKind: `${KIND}List`,
        plural: PLURAL,
        singular: KIND.toLowerCase(),
        shortNames: [SHORT_NAME],
        categories: ['dualparal'],
      },
      scope: 'Namespaced',
      versions: [
        {
          name: VERSION,
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: COLUMNS,
          selectableFields: [{ jsonPath: '.status.phase' }, { jsonPath: '.spec.model.ref' }],
          schema: { openAPIV3Schema: resourceSchema() },
        },
      ],
    },
  };
}

/** The schema of the whole resource. */
export function resourceSchema(): Schema {
  return {
    description: 'A film to be made by a video model on the GPUs of one node.',
    type: 'object',
    required: ['spec'],
    properties: {
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: { type: 'object' },
      spec: structural(specSchema),
      // A new object does not look finished to kstatus: the generation that its status answers is none yet.
      status: { ...structural(statusSchema), required: ['observedGeneration'], default: { observedGeneration: -1 } },
    },
    'x-kubernetes-validations': ROOT_RULES,
  };
}

/** A zod schema as the structural schema of a CRD: what the API server refuses beside `properties` is left out. */
function structural(schema: z.ZodType): Schema {
  const { $schema: _dialect, ...json } = z.toJSONSchema(schema, { target: 'openapi-3.0', io: 'input' });
  return cleaned(json) as Schema;
}

function cleaned(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(cleaned);
  if (typeof value !== 'object' || value === null) return value;
  const schema = value as Schema;
  const dropped = new Set<string>();
  if (schema.additionalProperties === false) dropped.add('additionalProperties');
  if (schema['x-kubernetes-int-or-string'] === true) dropped.add('anyOf');
  const kept = Object.entries(schema).filter(([key]) => !dropped.has(key));
  const clean = Object.fromEntries(kept.map(([key, child]) => [key, cleaned(child)]));
  return isEmptyDefault(schema) ? { ...clean, default: defaultsBelow(schema) } : clean;
}

/** The API server checks a default by the rules of its place before it fills in the defaults below. */
function isEmptyDefault(schema: Schema): boolean {
  const { default: given } = schema;
  return schema.type === 'object' && typeof given === 'object' && given !== null && Object.keys(given).length === 0;
}

function defaultsBelow(schema: Schema): Schema {
  const properties = Object.entries((schema.properties ?? {}) as Readonly<Record<string, Schema>>);
  return Object.fromEntries(
    properties.flatMap(([name, child]) => {
      if (!('default' in child)) return [];
      return [[name, isEmptyDefault(child) ? defaultsBelow(child) : child.default]];
    }),
  );
}
