/**
 * How Flux, Argo CD's hooks and `cli-utils apply` read an object of a kind that they do not know: kstatus' generic rule, as
 * sigs.k8s.io/cli-utils publishes it (`pkg/kstatus/status/generic.go` and the end of `Compute` in `status.go`). No kind of its own.
 */

/** As much of any object as the rule looks at. */
export interface AnyObject {
  readonly metadata: { readonly generation?: number; readonly deletionTimestamp?: string };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

/** In this order: being deleted, a generation that nobody has answered yet, the two standard conditions; else all is well. */
export function kstatusOf({ metadata, status }: AnyObject): 'Terminating' | 'InProgress' | 'Failed' | 'Current' {
  const { generation, deletionTimestamp = '' } = metadata;
  const { observedGeneration, conditions = [] } = status ?? {};
  if (deletionTimestamp !== '') return 'Terminating';
  if (generation !== undefined && observedGeneration !== undefined && observedGeneration !== generation)
    return 'InProgress';
  for (const { type, status: value } of conditions) {
    if (type === 'Reconciling' && value === 'True') return 'InProgress';
    if (type === 'Stalled' && value === 'True') return 'Failed';
  }
  return 'Current';
}
