/** A record without the fields that are undefined, typed so. */
export type Defined<T> = {
  readonly [K in keyof T as undefined extends T[K] ? never : K]: T[K];
} & {
  readonly [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/** Leaves out the fields that are undefined: in what is sent or compared, a missing field and an empty one differ. */
export function defined<T extends object>(record: T): Defined<T> {
  const kept: Partial<T> = {};
  for (const name of Object.keys(record) as (keyof T)[]) if (record[name] !== undefined) kept[name] = record[name];
  return kept as unknown as Defined<T>;
}
