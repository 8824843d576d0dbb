import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { isIPv6 } from 'node:net';
import { Agent } from 'undici';
import type { ReadCredentials } from './credentials.ts';
import { POOL } from './pool.ts';

/** Where the kubelet puts a pod's token, and the authority of the API server. */
const FOLDER = '/var/run/secrets/kubernetes.io/serviceaccount';

type Environment = Readonly<Record<string, string | undefined>>;

/** The credentials of the pod that this process runs in; undefined outside of pods. */
export function podCredentials(env: Environment = process.env, folder = FOLDER): ReadCredentials | undefined {
  const { KUBERNETES_SERVICE_HOST: host = '', KUBERNETES_SERVICE_PORT: port = '443' } = env;
  if (host === '' || !existsSync(`${folder}/token`)) return undefined;
  const origin = `https://${isIPv6(host) ? `[${host}]` : host}:${port}`;
  return async () => {
    const [token, ca] = await Promise.all([readFile(`${folder}/token`, 'utf8'), readFile(`${folder}/ca.crt`, 'utf8')]);
    return {
      origin,
      headers: { Authorization: `Bearer ${token.trim()}` },
      identity: ca,
      open: (connections) => new Agent({ ...POOL, connections, connect: { ca } }),
    };
  };
}
