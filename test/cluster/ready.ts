/** Waiting for parts of the cluster, with what was last seen in the error when the time is over. */
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Bed, runInBed } from './bed.ts';
import { requireRunning } from './component.ts';
import { clusterError } from './errors.ts';
import type { ClusterLayout } from './layout.ts';

export interface Wait {
  readonly what: string;
  readonly seconds: number;
  /** Components without which waiting is in vain. */
  readonly components: readonly string[];
  /** `ok`, or what is there instead. */
  readonly look: () => string | Promise<string>;
}

/** Looks again and again until the answer is `ok`. */
export async function waitFor(layout: ClusterLayout, wait: Wait): Promise<void> {
  const deadline = performance.now() + wait.seconds * 1000;
  for (;;) {
    const seen = await wait.look();
    if (seen === 'ok') return;
    requireRunning(layout, wait.components);
    if (performance.now() > deadline) {
      throw clusterError('E_CLUSTER_NOT_READY', { what: wait.what, seconds: wait.seconds, seen, folder: layout.logs });
    }
    await sleep(200);
  }
}

/** Waits until something in the bed listens on a TCP port. */
export function waitForAnswer(
  layout: ClusterLayout,
  bed: Bed,
  components: readonly string[],
  address: string,
  port: number,
): Promise<void> {
  const look = () => {
    const listening = runInBed(bed, ['ss', '-Hltn']);
    return listening.includes(`${address}:${port} `) ? 'ok' : 'nothing listens';
  };
  return waitFor(layout, { what: `${address}:${port}`, seconds: 120, components, look });
}

/** What the API server says at a path, or the error of asking. */
export function askApiServer(layout: ClusterLayout, url: string): Promise<string> {
  const file = (name: string) => readFileSync(join(layout.certificates, name));
  return new Promise((resolve) => {
    const call = request(
      url,
      { ca: file('authority.crt'), cert: file('admin.crt'), key: file('admin.key'), timeout: 5000, agent: false },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => {
          text += part;
        });
        response.on('end', () => resolve(text));
        response.on('error', (error) => resolve(error.message));
      },
    );
    call.on('timeout', () => call.destroy(new Error('no answer within 5 s')));
    call.on('error', (error) => resolve(error.message));
    call.end();
  });
}

/** Waits until the API server calls itself ready, in exactly these letters. */
export function waitForReadyz(layout: ClusterLayout, server: string): Promise<void> {
  return waitFor(layout, {
    what: 'the API server',
    seconds: 180,
    components: ['etcd', 'kube-apiserver'],
    look: async () => (await askApiServer(layout, `${server}/readyz`)).slice(0, 500),
  });
}
