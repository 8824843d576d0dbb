import { describe, expect, it } from 'vitest';
import { progressRecord } from '../../test/build/observed.ts';
import { createInbox } from './inbox.ts';

function inboxAt() {
  const clock = { ms: 0 };
  const woken: string[] = [];
  const inbox = createInbox({ wake: (uid) => woken.push(uid), nowMs: () => clock.ms });
  return { clock, woken, inbox };
}

describe('the inbox', () => {
  it('shows and wakes: a first record and another phase at once, a percent within a second, anything within ten', () => {
    const { clock, woken, inbox } = inboxAt();
    const plan = { latents: 1, blocks: 1, stride: 1, iterations: 1, blockSteps: 1, stages: [] };
    const steps = [
      { ms: 0, record: { phase: 'Loading', percent: 0 }, shown: true },
      { ms: 10, record: { phase: 'Loading', percent: 0, plan }, shown: true },
      { ms: 20, record: { phase: 'Denoising', percent: 1.1, plan }, shown: true },
      { ms: 1010, record: { phase: 'Denoising', percent: 2.5 }, shown: false },
      { ms: 1020, record: { phase: 'Denoising', percent: 2.6 }, shown: true },
      { ms: 9000, record: { phase: 'Denoising', percent: 2.9 }, shown: false },
      { ms: 11_019, record: { phase: 'Denoising', percent: 2.95 }, shown: false },
      { ms: 11_020, record: { phase: 'Denoising', percent: 2.99 }, shown: true },
    ] as const;
    const seen = steps.map(({ ms, record }, sequence) => {
      clock.ms = ms;
      inbox.receive('pod', progressRecord({ ...record, sequence }));
      return inbox.published('pod')?.sequence === sequence;
    });
    expect(seen).toEqual(steps.map(({ shown }) => shown));
    expect(woken.length).toBe(steps.filter(({ shown }) => shown).length);
  });

  it('shows the last record of a pod also where no other follows it, in the time in which it would have shown another', () => {
    const clock = { ms: 0 };
    const alarms: { at: number; run: () => void }[] = [];
    const after = (delayMs: number, run: () => void) => void alarms.push({ at: clock.ms + delayMs, run });
    const inbox = createInbox({ wake: () => {}, nowMs: () => clock.ms, after });
    const shownAt = (ms: number) => {
      const rings = alarms.filter(({ at }) => at > clock.ms && at <= ms).toSorted((a, b) => a.at - b.at);
      for (const { at, run } of rings) {
        clock.ms = at;
        run();
      }
      clock.ms = ms;
      return inbox.published('pod')?.sequence;
    };
    inbox.receive('pod', progressRecord({ sequence: 1, percent: 10.1 }));
    clock.ms = 200;
    inbox.receive('pod', progressRecord({ sequence: 2, percent: 10.2 }));
    clock.ms = 300;
    inbox.receive('pod', progressRecord({ sequence: 3, percent: 11 }));
    expect([shownAt(999), shownAt(1000)]).toEqual([1, 3]);
    inbox.receive('pod', progressRecord({ sequence: 4, percent: 11.5 }));
    expect([shownAt(10_999), shownAt(11_000)]).toEqual([3, 4]);
    inbox.forget('pod');
    expect(shownAt(30_000)).toBeUndefined();
  });

  it('drops late and repeated records', () => {
    const { inbox, woken } = inboxAt();
    const answers = [3, 2, 3, 4].map((sequence) =>
      inbox.receive('pod', progressRecord({ sequence, phase: sequence === 4 ? 'Finishing' : 'Loading' })),
    );
    expect(answers).toEqual(['taken', 'dropped', 'dropped', 'taken']);
    expect(inbox.published('pod')?.sequence).toBe(4);
    expect(woken.length).toBe(2);
  });

  it('keeps pods apart and forgets those that are over', () => {
    const { inbox } = inboxAt();
    inbox.receive('a', progressRecord({ sequence: 5 }));
    inbox.receive('b', progressRecord({ sequence: 1 }));
    inbox.forget('a');
    expect([inbox.published('a'), inbox.published('b')?.sequence, inbox.size]).toEqual([undefined, 1, 1]);
  });

  it('of thousands of pods wakes for no more than the API server can be asked to take, and loses nothing', () => {
    const clock = { ms: 0 };
    const woken: string[] = [];
    const times: number[] = [];
    const wake = (uid: string) => {
      woken.push(uid);
      times.push(clock.ms);
    };
    const alarms: { readonly at: number; readonly run: () => void }[] = [];
    const after = (delayMs: number, run: () => void) => void alarms.push({ at: clock.ms + delayMs, run });
    const inbox = createInbox({ wake, nowMs: () => clock.ms, after });
    const pods = Array.from({ length: 2000 }, (_, i) => `pod-${i}`);
    const passTo = (ms: number) => {
      for (let next = alarms.shift(); next !== undefined; next = alarms.shift()) {
        if (next.at > ms) {
          alarms.unshift(next);
          break;
        }
        clock.ms = next.at;
        next.run();
      }
      clock.ms = ms;
    };
    for (let round = 0; round < 30; round += 1) {
      passTo(round * 2000);
      for (const pod of pods) inbox.receive(pod, progressRecord({ sequence: round, percent: round }));
    }
    // Two seconds for each of thirty rounds, and what was free at the start.
    expect(woken.length).toBeLessThanOrEqual(60 * 150 + 50);
    // Nor more than 200 in any second.
    const isTooSoon = (time: number, i: number) => (times[i + 200] ?? Number.POSITIVE_INFINITY) - time < 1000;
    expect(times.filter(isTooSoon)).toEqual([]);
    expect(new Set(woken).size).toBe(2000);
    // Whoever goes on to another phase does not wait behind the steps of all others.
    inbox.receive('pod-1999', progressRecord({ sequence: 30, percent: 99, phase: 'Finishing' }));
    passTo(clock.ms + 200);
    expect(inbox.published('pod-1999')?.phase).toBe('Finishing');
    passTo(clock.ms + 20_000);
    for (const pod of pods) inbox.receive(pod, progressRecord({ sequence: 31, percent: 99, phase: 'Finishing' }));
    passTo(clock.ms + 20_000);
    expect(new Set(pods.map((pod) => inbox.published(pod)?.sequence))).toEqual(new Set([31]));
  });
});
