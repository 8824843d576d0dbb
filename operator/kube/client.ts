import { setTimeout as sleep } from 'node:timers/promises';
import { KubeConfig } from '@kubernetes/client-node';
import { type Dispatcher, request as send } from 'undici';
import { type Connector, createConnector, DEADLINE_MS } from './connection.ts';
import { ApiError, type Failure, failureOf, failureOfAnswer, kubeError, type StatusBody } from './failure.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface Call {
  readonly method: Method;
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
  /** A patch must say which kind it is. */
  readonly contentType?: string;
  readonly signal?: AbortSignal | undefined;
}

/** Speaks to the API server in plain JSON. One pool of connections for everything. */
export interface KubeClient {
  /** The answer's object. Idempotent calls are tried again a few times; failures come as {@link ApiError}. */
  call<T>(call: Call): Promise<T>;
  /** Lines of a streamed answer as they come; ends when the server ends it. */
  lines(call: Call): AsyncGenerator<string>;
  close(): Promise<void>;
}

export interface ClientOptions {
  /** Told of every answer, for the metrics; `status` is 0 where none came. */
  readonly observe?: (method: Method, status: number) => void;
  readonly random?: () => number;
}

const RETRIES = 3;
const RETRY_FIRST_MS = 250;
const RETRY_LONGEST_MS = 5_000;

/** Opens a client for the cluster of the kubeconfig, or of the pod's service account. Nothing is sent yet. */
export function openClient(options: ClientOptions = {}): KubeClient {
  return clientOf(createConnector(loadConfig()), options);
}

function loadConfig(): KubeConfig {
  const config = new KubeConfig();
  try {
    config.loadFromDefault();
  } catch (error) {
    throw kubeError('E_KUBE_CONFIG', { detail: (error as Error).message }, error);
  }
  if (config.getCurrentCluster() === null) throw kubeError('E_KUBE_CONFIG', { detail: 'no current context' });
  return config;
}

/** Opens a client for a server that asks for no credentials: for tests. */
export function openPlainClient(origin: string): KubeClient {
  const config = new KubeConfig();
  config.loadFromClusterAndUser({ name: 'plain', server: origin, skipTLSVerify: true }, { name: 'nobody' });
  return clientOf(createConnector(config), { random: () => 0 });
}

function clientOf(connector: Connector, { observe = () => {}, random = Math.random }: ClientOptions): KubeClient {
  const answer = async (call: Call, streamed: boolean): Promise<Dispatcher.ResponseData> => {
    const { origin, headers, dispatcher } = await connector.connect();
    try {
      const options = { ...optionsOf(call, streamed), headers: headersOf(call, headers), dispatcher };
      const response = await send(urlOf(origin, call), options);
      observe(call.method, response.statusCode);
      return response;
    } catch (error) {
      observe(call.method, 0);
      throw unreachable(call, error);
    }
  };
  const once = async (call: Call): Promise<unknown> => read(await answer(call, false), call);

  return {
    async call<T>(call: Call): Promise<T> {
      for (let tries = 0; ; tries += 1) {
        try {
          return (await once(call)) as T;
        } catch (error) {
          const failure = failureOf(error);
          if (failure.status === 401) connector.expire();
          if (!mayRetry(call, failure, tries)) throw error;
          await pause(retryDelay(failure, tries, random), call.signal);
        }
      }
    },
    async *lines(call: Call) {
      const response = await answer(call, true);
      if (response.statusCode >= 400) await read(response, call);
      try {
        yield* linesOf(response.body);
      } catch (error) {
        throw unreachable(call, error);
      }
    },
    close: () => connector.close(),
  };
}

/** A POST may have been carried out although no answer came: its caller decides. */
function mayRetry(call: Call, failure: Failure, tries: number): boolean {
  return failure.kind === 'retry' && call.method !== 'POST' && tries < RETRIES && call.signal?.aborted !== true;
}

function retryDelay({ retryAfterMs }: Failure, tries: number, random: () => number): number {
  const own = RETRY_FIRST_MS * 2 ** tries * (0.5 + random() / 2);
  return Math.min(retryAfterMs ?? own, RETRY_LONGEST_MS);
}

async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await sleep(ms, undefined, signal === undefined ? {} : { signal });
}

function urlOf(origin: string, call: Call): URL {
  const url = new URL(`${origin}${call.path}`);
  for (const [name, value] of Object.entries(call.query ?? {})) {
    if (value !== undefined) url.searchParams.set(name, String(value));
  }
  return url;
}

function headersOf(call: Call, own: Readonly<Record<string, string>>): Record<string, string> {
  const content = call.body === undefined ? {} : { 'content-type': call.contentType ?? 'application/json' };
  return { accept: 'application/json', 'user-agent': 'dualparal-operator', ...content, ...own };
}

function optionsOf(call: Call, streamed: boolean) {
  const deadline = streamed ? [] : [AbortSignal.timeout(DEADLINE_MS)];
  const signals = [...deadline, ...(call.signal === undefined ? [] : [call.signal])];
  return {
    method: call.method,
    ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
    ...(signals.length === 0 ? {} : { signal: AbortSignal.any(signals) }),
    ...(streamed ? { bodyTimeout: 0 } : {}),
  };
}

async function read(response: Dispatcher.ResponseData, call: Call): Promise<unknown> {
  const text = await response.body.text().catch((error: unknown) => {
    throw unreachable(call, error);
  });
  if (response.statusCode < 400) return text === '' ? {} : JSON.parse(text);
  const retryAfter = response.headers['retry-after'];
  const after = Array.isArray(retryAfter) ? retryAfter[0] : retryAfter;
  throw new ApiError(failureOfAnswer(response.statusCode, statusBody(text), after, `${call.method} ${call.path}`));
}

function statusBody(text: string): StatusBody {
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === 'object' && body !== null ? body : { message: text };
  } catch {
    return { message: text.slice(0, 200) };
  }
}

function unreachable(call: Call, error: unknown): ApiError {
  const failure = failureOf(error);
  return new ApiError({ ...failure, message: `${call.method} ${call.path}: ${failure.message}` }, error);
}

async function* linesOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of body) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = parts.pop() ?? '';
    for (const line of parts) if (line !== '') yield line;
  }
}
