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
});
