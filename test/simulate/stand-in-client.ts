import type { Call, KubeClient } from '../../operator/kube/client.ts';
import { ApiError, type Failure, failureOf } from '../../operator/kube/failure.ts';
import { createHoldOff } from '../../operator/kube/hold-off.ts';
import type { Dice } from '../faults/dice.ts';
import type { Mix } from './mixes.ts';
import { refuse } from './stand-in-api-server.ts';
import type { VirtualTime } from './virtual-time.ts';

/** What may become of a request: see {@link createStandInClient}. */
type Fate = 'well' | 'slow' | 'refused' | 'unanswered' | 'busy' | 'conflict' | 'hangs' | 'forbidden' | 'invalid';

export interface StandInClientOptions {
  readonly time: VirtualTime;
  readonly dice: Dice;
  readonly mix: () => Mix;
  /** Has the API server answer at this moment what was sent at one time, and asked for at another: it may be sent again. */
  readonly land: (call: Call, sentAt: number, askedAt: number) => unknown;
  /** Whether this process may still send. */
  readonly isOpen: () => boolean;
  readonly trace: (line: () => string) => void;
}

const RETRIES = 3;
const SHORT_WAIT_MS = 5_000;
const DEADLINE_MS = 30_000;
/** A request that its sender gave up may be carried out this much later at most. */
const LATE_MS = 5_000;

/**
 * A stand-in for `operator/kube/client.ts` in virtual time: the same retries and the same holding off, over a network on
 * which requests and answers take their time, get lost before or after the write took effect, and outlive their sender.
 */
export function createStandInClient(options: StandInClientOptions): KubeClient {
  const { time, dice, mix, isOpen, trace } = options;
  const holdOff = createHoldOff(time.now);
  const closed = () => new ApiError({ kind: 'closed', status: 0, message: 'not sent: this process is over' });
  const once = async (call: Call, askedAt: number): Promise<unknown> => {
    if (!isOpen()) throw closed();
    const fate = fateOf(dice, mix(), call);
    if (fate !== 'well') trace(() => `${call.method} ${call.path} ${fate}`);
    const answer = await send(options, call, fate, askedAt).then(
      (value) => ({ value }),
      (error: unknown) => ({ error }),
    );
    // A process that is over hears nothing any more.
    if (!isOpen()) throw closed();
    if ('error' in answer) throw answer.error;
    return answer.value;
  };
  const waitShort = async (name: string) => {
    const left = holdOff.leftMs(name);
    if (left > SHORT_WAIT_MS)
      throw new ApiError({ kind: 'retry', status: 429, message: `${name}: not sent`, retryAfterMs: left });
    if (left > 0) await time.sleep(left);
  };
  return {
    async call<T>(call: Call): Promise<T> {
      const name = `${call.method} ${call.path}`;
      const askedAt = time.now();
      for (let tries = 0; ; tries += 1) {
        await waitShort(name);
        try {
          return (await once(call, askedAt)) as T;
        } catch (error) {
          const failure = failureOf(error);
          holdOff.note(name, failure);
          if (!mayRetry(call, failure, tries)) throw error;
          await time.sleep(failure.retryAfterMs ?? 250 * 2 ** tries);
        }
      }
    },
    // biome-ignore lint/correctness/useYield: watches are modelled apart
    async *lines() {
      throw new Error('the stand-in does not watch');
    },
    close: async () => {},
  };
}

function mayRetry({ method }: Call, { kind, status, retryAfterMs = 0 }: Failure, tries: number): boolean {
  if (kind !== 'retry' || tries >= RETRIES || retryAfterMs > SHORT_WAIT_MS) return false;
  return method !== 'POST' || status === 429;
}

function fateOf(dice: Dice, { apiFault }: Mix, { method }: Call): Fate {
  if (dice.share() >= apiFault) return 'well';
  const writes = ['unanswered', 'conflict'] as const;
  const all = ['slow', 'refused', 'busy', 'hangs'] as const;
  // A webhook may refuse to let an object go by either.
  const refusals = method === 'DELETE' ? (['forbidden', 'invalid'] as const) : (['forbidden'] as const);
  return dice.pick<Fate>(method === 'GET' ? all : [...all, ...writes, ...writes, ...refusals]);
}

async function send(
  { time, dice, land: landAt }: StandInClientOptions,
  call: Call,
  fate: Fate,
  askedAt: number,
): Promise<unknown> {
  const sentAt = time.now();
  const land = (sent: Call) => landAt(sent, sentAt, askedAt);
  await time.sleep(dice.between(1, fate === 'slow' ? 10_000 : 40));
  if (fate === 'refused') throw refuse(call, 500, 'InternalError', 'etcdserver: leader changed');
  if (fate === 'busy') throw refuse(call, 429, 'TooManyRequests', 'too many requests', dice.between(1, 30));
  if (fate === 'forbidden') throw refuse(call, 403, 'Forbidden', 'admission webhook denied the request');
  if (fate === 'invalid') throw refuse(call, 422, 'Invalid', 'admission webhook denied the request');
  if (fate === 'conflict' && call.method !== 'POST') throw refuse(call, 409, 'Conflict', 'try again');
  if (fate === 'hangs') {
    if (dice.share() < 0.6) time.after(dice.between(0, DEADLINE_MS + LATE_MS), () => landUnheard(land, call));
    await time.sleep(DEADLINE_MS);
    throw new Error('no answer within 30 s');
  }
  const answer = landed(land, call);
  await time.sleep(dice.between(1, fate === 'slow' ? 5_000 : 40));
  if (fate === 'unanswered') throw refuse(call, 504, 'Timeout', 'the request may have been carried out');
  if ('error' in answer) throw answer.error;
  return answer.value;
}

function landed(land: (call: Call) => unknown, call: Call) {
  try {
    return { value: land(call) };
  } catch (error) {
    return { error };
  }
}

/** What only asks, and is answered to nobody, has not been asked. */
function landUnheard(land: (call: Call) => unknown, call: Call): void {
  if (call.method !== 'GET') landed(land, call);
}
