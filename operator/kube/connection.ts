import type { RequestOptions } from 'node:https';
import type { KubeConfig } from '@kubernetes/client-node';
import { Agent, type Dispatcher, ProxyAgent } from 'undici';
import { kubeError } from './failure.ts';

/** How to reach the API server now. */
export interface Connection {
  readonly origin: string;
  /** Credentials as headers. */
  readonly headers: Readonly<Record<string, string>>;
  /** Pool of connections that all calls share; the client library would open a connection for each call. */
  readonly dispatcher: Dispatcher;
}

/** Gives the connection of now, and the pool's end. */
export interface Connector {
  connect(): Promise<Connection>;
  /** Reads the credentials again at the next call, for instance because the last ones were refused. */
  expire(): void;
  close(): Promise<void>;
}

/** Time that the API server has to begin its answer. */
export const DEADLINE_MS = 30_000;
/** Credentials (a rotated token, a rotated authority) are read again after this time. */
const CREDENTIALS_MS = 30_000;
const POOL = { connections: 64, pipelining: 1, allowH2: false, keepAliveTimeout: 60_000, headersTimeout: DEADLINE_MS };

interface Pooled extends Connection {
  /** TLS material that the pool was made with: when it changes, so does the pool. */
  readonly identity: string;
  readonly until: number;
}

/** Makes a connector from a loaded kubeconfig or service account. */
export function createConnector(config: KubeConfig): Connector {
  let current: Promise<Pooled> | undefined;
  let last: Pooled | undefined;
  const open = async () => {
    last = await openPool(config, last);
    return last;
  };
  return {
    async connect() {
      const known = await current?.catch(() => undefined);
      if (known !== undefined && performance.now() < known.until) return known;
      current = open();
      return current;
    },
    expire() {
      current = undefined;
    },
    async close() {
      await last?.dispatcher.destroy();
    },
  };
}

/** Credentials of now; the last pool goes on while its TLS material is still the right one. */
async function openPool(config: KubeConfig, last: Pooled | undefined): Promise<Pooled> {
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw kubeError('E_KUBE_CONFIG', { detail: 'no current context' });
  const options: RequestOptions = {};
  await config.applyToHTTPSOptions(options);
  const identity = [options.ca, options.cert, options.key].map(String).join();
  const kept = last?.identity === identity ? last.dispatcher : undefined;
  const dispatcher = kept ?? dispatcherOf(config.createDispatcherOptions(cluster, tlsOf(options)));
  if (kept === undefined) void last?.dispatcher.close();
  return {
    origin: cluster.server.replace(/\/+$/, ''),
    headers: credentialsOf(options),
    dispatcher,
    identity,
    until: performance.now() + CREDENTIALS_MS,
  };
}

function tlsOf({ ca, cert, key, rejectUnauthorized, servername }: RequestOptions) {
  const all = { ca, cert, key, rejectUnauthorized, servername };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

function credentialsOf({ headers, auth }: RequestOptions): Record<string, string> {
  const given = Object.entries(headers ?? {}).map(([name, value]) => [name, String(value)] as const);
  const basic = typeof auth === 'string' ? { Authorization: `Basic ${Buffer.from(auth).toString('base64')}` } : {};
  return { ...Object.fromEntries(given), ...basic };
}

function dispatcherOf(options: ReturnType<KubeConfig['createDispatcherOptions']>): Dispatcher {
  if (options.type === 'socks') throw kubeError('E_KUBE_PROXY', { type: options.type });
  // The library's options are Node's TLS options, which is what the pool takes; only the declared types differ.
  if (options.type === 'proxy')
    return new ProxyAgent({ uri: options.uri, requestTls: options.requestTls, ...POOL } as ProxyAgent.Options);
  return new Agent({ ...POOL, ...(options.type === 'agent' ? { connect: options.connect } : {}) } as Agent.Options);
}
