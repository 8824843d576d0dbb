import type { RequestOptions } from 'node:https';
import { KubeConfig } from '@kubernetes/client-node';
import { Agent, type Dispatcher, ProxyAgent } from 'undici';
import type { ReadCredentials } from './credentials.ts';
import { kubeError } from './failure.ts';
import { POOL } from './pool.ts';

/** The credentials of the kubeconfig's current context, of whichever way to log in; throws `E_KUBE_CONFIG`. */
export function kubeconfigCredentials(): ReadCredentials {
  const config = new KubeConfig();
  try {
    config.loadFromDefault();
  } catch (error) {
    throw kubeError('E_KUBE_CONFIG', { detail: (error as Error).message }, error);
  }
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw kubeError('E_KUBE_CONFIG', { detail: 'no current context' });
  return async () => {
    const options: RequestOptions = {};
    await config.applyToHTTPSOptions(options);
    const pool = config.createDispatcherOptions(cluster, tlsOf(options));
    return {
      origin: cluster.server.replace(/\/+$/, ''),
      headers: headersOf(options),
      identity: [options.ca, options.cert, options.key].map(String).join(),
      open: (connections) => dispatcherOf(pool, connections),
    };
  };
}

function tlsOf({ ca, cert, key, rejectUnauthorized, servername }: RequestOptions) {
  const all = { ca, cert, key, rejectUnauthorized, servername };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

function headersOf({ headers, auth }: RequestOptions): Record<string, string> {
  const given = Object.entries(headers ?? {}).map(([name, value]) => [name, String(value)] as const);
  const basic = typeof auth === 'string' ? { Authorization: `Basic ${Buffer.from(auth).toString('base64')}` } : {};
  return { ...Object.fromEntries(given), ...basic };
}

type DispatcherOptions = ReturnType<KubeConfig['createDispatcherOptions']>;

function dispatcherOf(options: DispatcherOptions, connections: number): Dispatcher {
  if (options.type === 'socks') throw kubeError('E_KUBE_PROXY', { type: options.type });
  const pool = { ...POOL, connections };
  // The library's options are Node's TLS options, which is what the pool takes; only the declared types differ.
  if (options.type === 'proxy')
    return new ProxyAgent({ uri: options.uri, requestTls: options.requestTls, ...pool } as ProxyAgent.Options);
  return new Agent({ ...pool, ...(options.type === 'agent' ? { connect: options.connect } : {}) } as Agent.Options);
}
