/** Stand-ins for pods whose runners report: what the Job controller, the kubelet and the runner would do, and no more. */
import { Agent, request } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { LABEL_JOB_UID, PROGRESS_AUDIENCE } from '../../../operator/api/labels.ts';
import type { KubeClient } from '../../../operator/kube/client.ts';
import { type KubeObject, PODS, type ResourceType } from '../../../operator/kube/resource.ts';
import type { Progress } from '../../../runner/contract/progress.ts';
import { progressRecord } from '../../build/observed.ts';
import { at } from './films.ts';

const SERVICE_ACCOUNTS: ResourceType = { group: '', version: 'v1', plural: 'serviceaccounts' };
const ACCOUNT = 'default';
const TOKEN_SECONDS = 3600;
const AGAIN_MS = 1_000;
const TRIES = 60;
const TAKEN = 204;
/** A runner tries again after these, and where the connection fails. */
const LATER = [429, 503];

/** A Job as far as its pod needs it. */
export type JobOfPod = KubeObject & {
  readonly spec: {
    readonly template: { readonly metadata?: { readonly labels?: Readonly<Record<string, string>> } };
  };
};

export interface ReportingPod {
  /** Sends a record, again where it does not arrive or the operator asks for that; throws where it is refused. */
  report(record: Progress): Promise<void>;
  close(): void;
}

/** Makes the pod of a Job, at work on a node, with a token for its reports. `number` gives it an address of its own. */
export async function startReportingPod(
  client: KubeClient,
  job: JobOfPod,
  endpoint: { readonly port: number; readonly ca: string; readonly number: number },
): Promise<ReportingPod> {
  const { name: jobName, uid = '' } = job.metadata;
  const name = `${jobName}-abcde`;
  const owner = { apiVersion: 'batch/v1', kind: 'Job', name: jobName, uid, controller: true };
  const labels = { ...job.spec.template.metadata?.labels, [LABEL_JOB_UID]: uid };
  const container = { name: 'runner', image: 'x' };
  const made = await client.call<KubeObject>({
    method: 'POST',
    path: at(PODS),
    body: {
      ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name, labels, ownerReferences: [owner] } },
      spec: { nodeName: 'node', restartPolicy: 'Never', serviceAccountName: ACCOUNT, containers: [container] },
    },
  });
  await client.call({
    method: 'PATCH',
    path: at(PODS, name, 'status'),
    contentType: 'application/merge-patch+json',
    body: { status: statusOfRunning() },
  });
  const token = await tokenOf(client, name, made.metadata.uid ?? '');
  const agent = new Agent({
    keepAlive: true,
    maxSockets: 1,
    ca: endpoint.ca,
    localAddress: addressOf(endpoint.number),
  });
  return {
    async report(record) {
      let answer: number | string = '';
      for (let left = TRIES; left > 0; left -= 1) {
        answer = await send(endpoint.port, agent, token, JSON.stringify(record)).catch(String);
        if (answer === TAKEN) return;
        if (typeof answer === 'number' && !LATER.includes(answer)) break;
        await sleep(AGAIN_MS);
      }
      throw new Error(`the report of ${name} was answered with ${answer}`);
    },
    close: () => agent.destroy(),
  };
}

/** The record of a runner of which `share` is done, 0 … 1. */
export function recordOf(sequence: number, share: number): Progress {
  return progressRecord({ sequence, time: new Date().toISOString(), percent: 97 * share, blockSteps: sequence });
}

function statusOfRunning() {
  const time = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
  const container = { name: 'runner', image: 'x', imageID: '', restartCount: 0, ready: true, started: true };
  const conditions = [{ type: 'PodScheduled', status: 'True', lastTransitionTime: time }];
  const containerStatuses = [{ ...container, state: { running: { startedAt: time } } }];
  return { phase: 'Running', startTime: time, conditions, containerStatuses };
}

async function tokenOf(client: KubeClient, name: string, uid: string): Promise<string> {
  const answer = await client.call<{ readonly status: { readonly token: string } }>({
    method: 'POST',
    path: at(SERVICE_ACCOUNTS, ACCOUNT, 'token'),
    body: {
      ...{ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest' },
      spec: {
        audiences: [PROGRESS_AUDIENCE],
        expirationSeconds: TOKEN_SECONDS,
        boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid },
      },
    },
  });
  return answer.status.token;
}

/** Pods have addresses of their own, by which the operator tells senders apart. */
function addressOf(number: number): string {
  return `127.1.${Math.floor(number / 250)}.${(number % 250) + 1}`;
}

function send(port: number, agent: Agent, token: string, body: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const options = { host: '127.0.0.1', port, path: '/v1/progress', method: 'POST', agent, headers };
    const sent = request(options, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0));
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
