/** What somebody sees who watches objects: every value of a field, in the order in which they came. */
import { spawn } from 'node:child_process';
import type { Cluster } from '../cluster/cluster.ts';

export interface Watch {
  /** The values so far; what repeats the one before it, and what is empty, is left out. */
  readonly seen: () => readonly string[];
  readonly stop: () => void;
}

/** Runs `kubectl get WHAT --watch` and keeps what `path` finds in each object that comes: a JSONPath, `{.status.phase}`. */
export function watch(cluster: Cluster, what: readonly string[], path: string): Watch {
  const args = ['get', ...what, '--watch', '-o', `jsonpath=${path}{"\\n"}`];
  const child = spawn(cluster.kubectlPath, args, { env: { ...process.env, KUBECONFIG: cluster.kubeconfig } });
  let text = '';
  child.stdout.on('data', (chunk) => {
    text += chunk;
  });
  const seen = () => text.split('\n').filter((value, index, all) => value !== '' && value !== all[index - 1]);
  return { seen, stop: () => child.kill() };
}
