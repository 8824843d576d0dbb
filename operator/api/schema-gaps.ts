/** A schema as OpenAPI has it; of the rest nothing is asked. */
interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly additionalProperties?: Schema | boolean;
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
}

/**
 * Fields of `wanted` that `served` does not know, by their paths; of a whole object that is missing only itself. The API server
 * refuses a status with such a field, and silently drops it from a spec.
 */
export function schemaGaps(wanted: unknown, served: unknown, path = ''): readonly string[] {
  const [want, have] = [schemaIn(wanted), schemaIn(served)];
  if (have['x-kubernetes-preserve-unknown-fields'] === true) return [];
  const fields = Object.entries(want.properties ?? {}).flatMap(([name, child]) => {
    const at = path === '' ? name : `${path}.${name}`;
    const there = have.properties?.[name];
    return there === undefined ? [at] : schemaGaps(child, there, at);
  });
  const items = want.items === undefined ? [] : schemaGaps(want.items, have.items, `${path}[]`);
  const values = schemaIn(want.additionalProperties);
  const entries = Object.keys(values).length === 0 ? [] : schemaGaps(values, have.additionalProperties, `${path}[*]`);
  return [...fields, ...items, ...entries];
}

function schemaIn(value: unknown): Schema {
  return typeof value === 'object' && value !== null ? (value as Schema) : {};
}
