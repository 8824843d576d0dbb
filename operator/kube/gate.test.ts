import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { failureOf } from './failure.ts';
import { createGate, type Gate } from './gate.ts';

/** Fields of a gate after some steps, on a clock that stands still between them; no timer of the gate has run. */
function after(steps: readonly (number | ((gate: Gate) => void))[]): { open: boolean; reason: string | undefined } {
  let now = 1000;
  const gate = createGate(() => now);
  for (const step of steps) {
    if (typeof step === 'number') now = step;
    else step(gate);
  }
  const open = gate.isOpen();
  return { open, reason: open ? undefined : failureOf(gate.signal.reason).message };
}
const until = (at: number) => (gate: Gate) => gate.openUntil(at);
const close = (why: string) => (gate: Gate) => gate.close(why);
const LATE = 'not sent: leadership was not renewed in time';

it.each<[string, Parameters<typeof after>[0], string | undefined]>([
  ['that nobody has given an end stays open', [1e12], undefined],
  ['is open until its time', [until(11_000), 10_999], undefined],
  ['is closed from its time on', [until(11_000), 11_000], LATE],
  ['opened for longer in time stays open', [until(11_000), 10_000, until(20_000), 19_999], undefined],
  ['opened for longer too late stays closed', [until(11_000), 11_001, until(20_000), 12_000], LATE],
  ['opened for less closes earlier', [until(11_000), until(5_000), 5_000], LATE],
  ['whose time has passed when it is given is closed', [until(999)], LATE],
  ['that was closed stays closed', [close('taken'), until(1e12), 1001], 'not sent: taken'],
  ['keeps the first reason', [close('taken'), close('deleted')], 'not sent: taken'],
  ['that is late says so, whatever is said later', [until(11_000), 12_000, (g) => g.isOpen(), close('taken')], LATE],
])('a gate %s', (_what, steps, reason) => {
  expect(after(steps)).toEqual({ open: reason === undefined, reason });
});

it('closes by itself, and says that nothing was sent', async () => {
  const gate = createGate();
  gate.openUntil(performance.now() + 20);
  await new Promise((resolve) => gate.signal.addEventListener('abort', resolve));
  expect(failureOf(gate.signal.reason)).toEqual({ kind: 'closed', status: 0, message: LATE });
});

it('closes at the last time it was given, not at the first', async () => {
  const gate = createGate();
  gate.openUntil(performance.now() + 20);
  gate.openUntil(performance.now() + 600_000);
  await sleep(60);
  expect(gate.signal.aborted).toBe(false);
});
