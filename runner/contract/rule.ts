import type { z } from 'zod';

/**
 * One rule about a value that types and ranges do not hold, in both of its forms: `rule` for the API server (CEL; `self` is
 * the value), `holds` for everybody else. Both must judge alike; the corpus of `test/manifests/` compares them.
 */
export interface Rule<T> {
  readonly rule: string;
  readonly holds: (value: T) => boolean;
  readonly message: string;
  /** Field that the message is about, where it is one below: `.contextLatents`. */
  readonly fieldPath?: string;
  /** A message for people without a cluster that says more than CEL can. */
  readonly explain?: (value: T) => string;
}

/** The schema with its rules, which appear in its JSON schema as `x-kubernetes-validations`. */
export function ruled<S extends z.ZodType>(schema: S, ...rules: readonly Rule<z.output<S>>[]): S {
  const checked = rules.reduce((base, { holds, message, explain, fieldPath = '' }) => {
    const error = (issue: { readonly input?: unknown }) => explain?.(issue.input as z.output<S>) ?? message;
    return base.refine(holds, { error, path: fieldPath.split('.').slice(1) }) as S;
  }, schema);
  const validations = rules.map(({ rule, message, fieldPath }) => ({
    rule,
    message,
    ...(fieldPath === undefined ? {} : { fieldPath }),
  }));
  return checked.meta({ ...schema.meta(), 'x-kubernetes-validations': validations }) as S;
}
