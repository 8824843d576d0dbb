/** Helm on a cluster of the bed: the real one, built from its Go module. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { binaryPaths, findGo } from '../cluster/build.ts';
import type { Cluster, CommandResult } from '../cluster/cluster.ts';

const ROOT = join(import.meta.dirname, '../..');
export const CHART = join(ROOT, 'charts/dualparal');

/** Path of the bed's Helm, which is there once a cluster was started. */
export function helmPath(): string {
  const go = findGo();
  const path = go === null ? undefined : binaryPaths(go).helm;
  if (path === undefined) throw new Error('there is no Go that Helm was built with');
  return path;
}

/** Runs Helm in the repository's root as the administrator; a failure is a code other than 0. */
export function helmOf(cluster: Cluster): (args: readonly string[]) => Promise<CommandResult> {
  const home = (name: string) => join(cluster.folder, 'helm', name);
  const env = {
    ...process.env,
    KUBECONFIG: cluster.kubeconfig,
    HELM_CACHE_HOME: home('cache'),
    HELM_CONFIG_HOME: home('config'),
    HELM_DATA_HOME: home('data'),
  };
  return (args) =>
    new Promise((resolve, reject) => {
      const child = spawn(helmPath(), args, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] });
      let [stdout, stderr] = ['', ''];
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        stdout += text;
      });
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        stderr += text;
      });
      child.on('error', reject);
      child.on('close', (code) => resolve({ code: code ?? 1, stdout, stderr }));
    });
}
