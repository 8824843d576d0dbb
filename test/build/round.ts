import type { KubeClient } from '../../operator/kube/client.ts';
import { createQueue } from '../../operator/kube/queue.ts';
import { createBackoff } from '../../operator/kube/rate-limit.ts';
import type { ControllerOptions } from '../../operator/reconcile/controller.ts';
import type { Sources } from '../../operator/reconcile/sources.ts';

/** What rounds of the controller need, at a time that stands still; nobody is told of anything. */
export function roundOptions(client: KubeClient, sources: Sources, now: number): ControllerOptions {
  const nothing = () => {};
  return {
    ...{ client, sources, queue: createQueue(createBackoff()), workers: 1 },
    recorder: { record: nothing, flush: () => Promise.resolve() },
    runner: { image: 'dualparal:test', imagePullPolicy: 'Never', progressUrl: 'https://operator.test/v1/progress' },
    ...{ progressCa: 'PEM', signal: new AbortController().signal, hostPathAllowed: false, now: () => now },
    ...{ measure: nothing, count: nothing, spent: nothing, news: nothing, warn: nothing },
  };
}
