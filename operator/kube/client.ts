import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, type Dispatcher, request as send } from 'undici';
import { createConnector } from './connection.ts';
import type { ReadCredentials } from './credentials.ts';
import { ApiError, type Failure, failureOf, failureOfAnswer, type StatusBody } from './failure.ts';
import { createGate, type Gate } from './gate.ts';
import { createHoldOff, type HoldOff } from './hold-off.ts';
import { podCredentials } from './in-pod.ts';
import { jsonText } from './json-text.ts';
import { DEADLINE_MS, POOL } from './pool.ts';
import type { ServerClock } from './server-clock.ts';

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

/**
 * Speaks to the API server in plain JSON, through one pool of connections. A request that the server asked to hold off
 * (`Retry-After`) is not sent before: a short wait is waited for, a longer one is a failure that says how long.
 */
export interface KubeClient {
  /** The answer's object. Idempotent calls are tried again a few times; failures come as {@link ApiError}. */
  call<T>(call: Call): Promise<T>;
  /** Lines of a streamed answer as they come, after `opened` was told that it began; ends when the server ends it. */
  lines(call: Call, opened?: () => void): AsyncGenerator<string>;
  close(): Promise<void>;
}

export interface ClientOptions {
  /** Told of every answer, for the metrics; `status` is 0 where none came. */
  readonly measure?: (method: Method, status: number) => void;
  readonly random?: () => number;
  /** Hears from every answer what time it is at the API server. */
  readonly clock?: Pick<ServerClock, 'heard'>;
  /** Nothing is sent once this is closed. */
  readonly gate?: Gate;
  /** Most connections at the same time; calls beyond that wait for one. */
  readonly connections?: number;
}

const RETRIES = 3;
const RETRY_FIRST_MS = 250;
const RETRY_LONGEST_MS = 5_000;

/**
 * Reads where the API server is: of the pod's service account, else of the kubeconfig. Only the latter needs the client
 * library, which would be two thirds of an idle operator's memory.
 */
export async function loadCredentials(): Promise<ReadCredentials> {
  const { KUBECONFIG = '' } = process.env;
  const ofPod = KUBECONFIG === '' ? podCredentials() : undefined;
  return ofPod ?? (await import('./kubeconfig.ts')).kubeconfigCredentials();
}

/** Opens a client. Nothing is sent yet. */
export function openClient(credentials: ReadCredentials, options: ClientOptions = {}): KubeClient {
  return clientOf(credentials, options);
}

/** Opens a client for a server that asks for no credentials: for tests. */
export function openPlainClient(origin: string, options: ClientOptions = {}): KubeClient {
  const open = (connections: number) => new Agent({ ...POOL, connections });
  const plain = { origin, headers: {}, identity: '', open };
  return clientOf(async () => plain, { random: () => 0, ...options });
}

function clientOf(credentials: ReadCredentials, options: ClientOptions): KubeClient {
  const { measure = () => {}, random = Math.random, gate = createGate() } = options;
  const connector = createConnector(credentials, gate, options.connections);
  const holdOff = createHoldOff();
  const answer = async (call: Call, streamed: boolean): Promise<Dispatcher.ResponseData> => {
    const { origin, headers, dispatcher } = await connector.connect();
    if (!gate.isOpen()) throw unreachable(call, gate.signal.reason);
    try {
      const sent = optionsOf(call, streamed, gate.signal);
      const sentAt = performance.now();
      const response = await send(urlOf(origin, call), { ...sent, headers: headersOf(call, headers), dispatcher });
      options.clock?.heard(response.headers.date, sentAt, performance.now());
      measure(call.method, response.statusCode);
      return response;
    } catch (error) {
      if (!gate.signal.aborted) measure(call.method, 0);
      throw unreachable(call, error);
    }
  };
  /** Notes what a refusal asks for. */
  const noting = <T>(call: Call, work: Promise<T>): Promise<T> =>
    work.catch((error: unknown) => {
      const failure = failureOf(error);
      if (failure.status === 401) connector.expire();
      holdOff.note(nameOf(call), failure);
      throw error;
    });
  const once = async (call: Call): Promise<unknown> => read(await answer(call, false), call);

  return {
    async call<T>(call: Call): Promise<T> {
      for (let tries = 0; ; tries += 1) {
        await waitShort(call, holdOff, gate);
        try {
          return (await noting(call, once(call))) as T;
        } catch (error) {
          const failure = failureOf(error);
          if (!mayRetry(call, failure, tries)) throw error;
          await pause(call, retryDelay(failure, tries, random), gate);
        }
      }
    },
    async *lines(call: Call, opened: () => void = () => {}) {
      await waitShort(call, holdOff, gate);
      const response = await answer(call, true);
      if (response.statusCode >= 400) await noting(call, read(response, call));
      opened();
      try {
        yield* linesOf(response.body);
      } catch (error) {
        throw unreachable(call, error);
      }
    },
    close: () => connector.close(),
  };
}

function nameOf({ method, path }: Call): string {
  return `${method} ${path}`;
}

/** Waits until the call may be sent, if that is soon. */
async function waitShort(call: Call, holdOff: HoldOff, gate: Gate): Promise<void> {
  const left = holdOff.leftMs(nameOf(call));
  if (left === 0) return;
  if (left <= RETRY_LONGEST_MS) return pause(call, left, gate);
  const message = `${nameOf(call)}: not sent, the API server asked to wait for another ${Math.ceil(left / 1000)} s`;
  throw new ApiError({ kind: 'retry', status: 429, message, retryAfterMs: left });
}

/** A POST may have been carried out although no answer came, so its caller decides; 429 says that it was not. */
function mayRetry(call: Call, failure: Failure, tries: number): boolean {
  if (failure.kind !== 'retry' || tries >= RETRIES || call.signal?.aborted === true) return false;
  if ((failure.retryAfterMs ?? 0) > RETRY_LONGEST_MS) return false;
  return call.method !== 'POST' || failure.status === 429;
}

function retryDelay({ retryAfterMs }: Failure, tries: number, random: () => number): number {
  return retryAfterMs ?? RETRY_FIRST_MS * 2 ** tries * (0.5 + random() / 2);
}

async function pause(call: Call, ms: number, gate: Gate): Promise<void> {
  const signal = call.signal === undefined ? gate.signal : AbortSignal.any([gate.signal, call.signal]);
  await sleep(ms, undefined, { signal }).catch(() => {
    throw unreachable(call, signal.reason);
  });
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

function optionsOf(call: Call, streamed: boolean, gate: AbortSignal) {
  const deadline = streamed ? [] : [AbortSignal.timeout(DEADLINE_MS)];
  const signals = [gate, ...deadline, ...(call.signal === undefined ? [] : [call.signal])];
  return {
    method: call.method,
    ...(call.body === undefined ? {} : { body: jsonText(call.body) }),
    signal: AbortSignal.any(signals),
    ...(streamed ? { bodyTimeout: 0 } : {}),
  };
}

async function read(response: Dispatcher.ResponseData, call: Call): Promise<unknown> {
  const text = await response.body.text().catch((error: unknown) => {
    throw unreachable(call, error);
  });
  if (response.statusCode < 400) return text === '' ? {} : parsed(text, response.statusCode, call);
  const retryAfter = response.headers['retry-after'];
  const after = Array.isArray(retryAfter) ? retryAfter[0] : retryAfter;
  throw new ApiError(failureOfAnswer(response.statusCode, statusBody(text), after, `${call.method} ${call.path}`));
}

/** A body that was cut off, or is none of the API server's, is as good as none. */
function parsed(text: string, status: number, call: Call): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ApiError({ kind: 'retry', status, message: `${nameOf(call)}: the answer is no JSON` }, error);
  }
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
