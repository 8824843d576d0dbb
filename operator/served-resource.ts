import { setTimeout as sleep } from 'node:timers/promises';
import { defineErrors } from '#contract/error.ts';
import { resourceSchema } from './api/crd.ts';
import { GROUP, KIND, VERSION } from './api/labels.ts';
import { schemaGaps } from './api/schema-gaps.ts';
import type { KubeClient } from './kube/client.ts';
import { ApiError } from './kube/failure.ts';

export const servedResourceError = defineErrors({
  E_OPERATOR_CRD_OLD: {
    message:
      'the cluster serves an older {kind} than this operator knows, without {fields}: install the CustomResourceDefinition that came with it (crds/, or the chart with crds.enabled)',
    fixer: 'administrator',
    exit: 'usage',
  },
});

/** Where the API server tells what it serves; every account may read it, unless an administrator has changed that. */
const SCHEMAS = `/openapi/v3/apis/${GROUP}/${VERSION}`;
const LOOK_AGAIN_MS = 10_000;
/** So many fields are named. */
const NAMED = 5;

export interface ServedResourceOptions {
  readonly client: KubeClient;
  readonly signal: AbortSignal;
  /** Told each time that the resource was found too old: what a person has to do. */
  readonly old: (sentence: string) => void;
  readonly lookAgainMs?: number;
}

/**
 * Ends as soon as the cluster serves every field of the status that this operator writes: with an older resource no status could be written
 * (the API server answers 500), while an operator that came with it goes on as long as this one waits. A field of the spec that is missing
 * is told of, and nothing waits for it. Where what is served cannot be read, nothing is known against it.
 *
 * @throws when `signal` is aborted.
 */
export async function untilServed({ client, signal, old, lookAgainMs }: ServedResourceOptions): Promise<void> {
  for (;;) {
    const gaps = schemaGaps(resourceSchema(), await servedSchema(client, signal));
    if (gaps.length > 0) old(sentenceOf(gaps));
    if (!gaps.some((path) => path === 'status' || path.startsWith('status.'))) return;
    await sleep(lookAgainMs ?? LOOK_AGAIN_MS, undefined, { signal });
  }
}

function sentenceOf(gaps: readonly string[]): string {
  const more = gaps.length > NAMED ? ` and ${gaps.length - NAMED} more` : '';
  const fields = gaps.slice(0, NAMED).join(', ') + more;
  const { code, message } = servedResourceError('E_OPERATOR_CRD_OLD', { kind: KIND, fields });
  return `${code}: ${message}`;
}

/** What the API server serves; our own where it does not say. */
async function servedSchema(client: KubeClient, signal: AbortSignal): Promise<unknown> {
  try {
    return kindIn(await client.call({ method: 'GET', path: SCHEMAS, signal })) ?? resourceSchema();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return resourceSchema();
  }
}

function kindIn(document: unknown): unknown {
  const { components } = (document ?? {}) as { readonly components?: { readonly schemas?: object } };
  const schemas = Object.entries(components?.schemas ?? {}) as readonly (readonly [string, GroupedSchema])[];
  const is = ({ group, version, kind }: GroupVersionKind) => group === GROUP && version === VERSION && kind === KIND;
  return schemas.find(([, schema]) => schema['x-kubernetes-group-version-kind']?.some(is))?.[1];
}

interface GroupVersionKind {
  readonly group?: string;
  readonly version?: string;
  readonly kind?: string;
}

interface GroupedSchema {
  readonly 'x-kubernetes-group-version-kind'?: readonly GroupVersionKind[];
}
