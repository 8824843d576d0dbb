/** A schema as OpenAPI has it; of the rest nothing is asked. */
interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly additionalProperties?: Schema | boolean;
  readonly enum?: readonly unknown[];
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
}

/**
 * Fields of `wanted` that `served` does not know, by their paths, and values of them that it does not allow; of a whole object that is
 * missing only itself. The API server refuses a status with such a field, and silently drops it from a spec.
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
  const entry = schemaIn(want.additionalProperties);
  const entries = Object.keys(entry).length === 0 ? [] : schemaGaps(entry, have.additionalProperties, `${path}[*]`);
  const allowed = have.enum;
  const values = allowed === undefined ? [] : (want.enum ?? []).filter((value) => !allowed.includes(value));
  return [...fields, ...items, ...entries, ...values.map((value) => `${path}=${value}`)];
}

function schemaIn(value: unknown): Schema {
  return typeof value === 'object' && value !== null ? (value as Schema) : {};
}
