/** The JSON schema of the chart's values: what is not in it is refused, and the runner's fields are those of the CRD. */

/** JSON schema, draft 7, as Helm takes it. */
export type JsonSchema = { readonly [key: string]: unknown };

const text: JsonSchema = { type: 'string' };
const flag: JsonSchema = { type: 'boolean' };
const anyMap: JsonSchema = { type: 'object' };
const textMap: JsonSchema = { type: 'object', additionalProperties: text };
const duration: JsonSchema = { type: 'string', pattern: '^([0-9]+(h|m|s|ms))+$' };
const port: JsonSchema = { type: 'integer', minimum: 1, maximum: 65_535 };
const namespace: JsonSchema = { type: 'string', pattern: '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$' };
const whole = (minimum: number, maximum?: number): JsonSchema => ({
  type: 'integer',
  minimum,
  ...(maximum === undefined ? {} : { maximum }),
});
const oneOf = (...values: readonly string[]): JsonSchema => ({ type: 'string', enum: values });
const list = (items: JsonSchema): JsonSchema => ({ type: 'array', items });
const fields = (properties: Readonly<Record<string, JsonSchema>>): JsonSchema => ({
  type: 'object',
  additionalProperties: false,
  properties,
});
const image = fields({
  repository: { type: 'string', minLength: 1 },
  tag: text,
  digest: { type: 'string', pattern: '^(sha256:[0-9a-f]{64})?$' },
  pullPolicy: oneOf('Always', 'IfNotPresent', 'Never'),
});

/** The schema of `values.yaml`; `crd` is the CustomResourceDefinition, whose `spec.runner` the runner's defaults have to fit. */
export function valuesSchema(crd: unknown): JsonSchema {
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Values of the chart dualparal',
    ...fields({
      global: anyMap,
      nameOverride: text,
      fullnameOverride: text,
      replicas: whole(1),
      image,
      imagePullSecrets: list(fields({ name: text })),
      runner: fields({ image, defaults: runnerSchema(crd) }),
      watchNamespaces: { ...list(namespace), uniqueItems: true },
      crds: fields({ enabled: flag }),
      namespace: fields({ create: flag }),
      serviceAccount: fields({ create: flag, name: text, annotations: textMap }),
      rbac: fields({ create: flag, aggregate: flag }),
      allowHostPath: flag,
      workers: whole(1, 64),
      logLevel: oneOf('debug', 'info', 'warn', 'error'),
      kueue: fields({ enabled: flag }),
      extraEnv: list({ type: 'object', required: ['name'] }),
      progress: fields({
        certificateSecret: text,
        certManager: fields({
          enabled: flag,
          issuerRef: fields({ name: text, kind: text, group: text }),
          duration,
          renewBefore: duration,
        }),
      }),
      service: fields({ annotations: textMap }),
      podDisruptionBudget: fields({ enabled: flag, maxUnavailable: { type: ['integer', 'string'] } }),
      topologySpreadConstraints: list({
        type: 'object',
        required: ['maxSkew', 'topologyKey', 'whenUnsatisfiable'],
      }),
      resources: anyMap,
      heapMegabytes: whole(64),
      podLabels: textMap,
      podAnnotations: textMap,
      nodeSelector: textMap,
      tolerations: list(anyMap),
      affinity: anyMap,
      priorityClassName: text,
      networkPolicy: fields({
        enabled: flag,
        apiServerPorts: list(port),
        metricsFrom: list(anyMap),
        runnerNamespaces: list(namespace),
        runnerEgress: list(anyMap),
      }),
      metrics: fields({
        serviceMonitor: fields({ enabled: flag, interval: duration, labels: textMap }),
        dashboard: fields({ enabled: flag, labels: textMap }),
      }),
    }),
  };
}

/** The schema of `spec.runner`, without what only the API server understands. */
function runnerSchema(crd: unknown): JsonSchema {
  const versions = at(crd, 'spec', 'versions') as readonly unknown[];
  const runner = at(versions[0], 'schema', 'openAPIV3Schema', 'properties', 'spec', 'properties', 'runner');
  return plainSchema(runner as JsonSchema);
}

function at(object: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>((found, name) => (found as Readonly<Record<string, unknown>>)[name], object);
}

/** Fields of an object schema, which hold schemas by a name of their own, are not keywords. */
const NAMED = new Set(['properties', 'patternProperties']);
const LISTS = new Set(['oneOf', 'anyOf', 'allOf']);
const NESTED = new Set(['items', 'additionalProperties', 'not']);

/**
 * A schema of Kubernetes as JSON schema: what takes numbers and texts says so, an object takes no field that it does not name
 * (the API server refuses those as well), a rule about a forbidden key becomes one. Other rules are the API server's to check.
 */
export function plainSchema(schema: JsonSchema): JsonSchema {
  const entries = Object.entries(schema).filter(([key]) => !key.startsWith('x-kubernetes-') && key !== 'default');
  const plain = entries.map(([key, value]) => [key, plainPart(key, value)] as const);
  const closed = schema.properties !== undefined && schema.additionalProperties === undefined;
  return {
    ...Object.fromEntries(plain),
    ...(schema['x-kubernetes-int-or-string'] === true ? { type: ['integer', 'string'] } : {}),
    ...(closed ? { additionalProperties: false } : {}),
    ...forbiddenKeys(schema['x-kubernetes-validations']),
  };
}

function plainPart(key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (NAMED.has(key)) {
    const schemas = Object.entries(value).map(([name, schema]) => [name, plainSchema(schema as JsonSchema)] as const);
    return Object.fromEntries(schemas);
  }
  if (LISTS.has(key)) return (value as readonly JsonSchema[]).map(plainSchema);
  return NESTED.has(key) ? plainSchema(value as JsonSchema) : value;
}

/** A rule that forbids keys (`!self.exists(name, name == 'a' || name.startsWith('b'))`), as `patternProperties` says it. */
function forbiddenKeys(rules: unknown): JsonSchema {
  const texts = ((rules ?? []) as readonly { readonly rule: string }[]).map(({ rule }) => rule);
  const patterns = texts.flatMap((rule) => keyPatterns(rule));
  return patterns.length === 0 ? {} : { patternProperties: { [`^(${patterns.join('|')})`]: false } };
}

function keyPatterns(rule: string): readonly string[] {
  const [, name = '', parts = ''] = /^!self\.exists\((\w+), (.+)\)$/.exec(rule) ?? [];
  const patterns = parts.split(' || ').map((part) => {
    const equal = part.startsWith(`${name} == '`) && /'([^']+)'$/.exec(part)?.[1];
    const start = part.startsWith(`${name}.startsWith('`) && /'([^']+)'\)$/.exec(part)?.[1];
    return equal ? `${literal(equal)}$` : start ? literal(start) : undefined;
  });
  const known = patterns.filter((pattern) => pattern !== undefined);
  return known.length === patterns.length ? known : [];
}

function literal(text: string): string {
  return text.replaceAll('.', '[.]');
}
