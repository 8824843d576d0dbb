/** One film after another of the same name, each interrupted in its own way: a film carries its name, so all have to be the same. */
import { expect, vi } from 'vitest';
import { type FilmStatus, filmManifest, type Kubectl, NAMESPACE, statusOf, waitForPhase } from './bed.ts';

const NAME = 'lighthouse';
/** Takes long enough to be met at work. */
const LONG = {
  sampling: { steps: 40 },
  checkpoint: { every: '1s' },
  retries: { failures: 0, disruptions: 5 },
};
/** How a film is spread over the node's eight GPUs. */
export const PARALLELISM = { gpus: 8, blockLatents: 4, contextLatents: 2 };
export const WITHIN_MINUTES = { timeout: 240_000, interval: 300 };

const OVER = /Succeeded|Failed/;

export function oneFilm(kubectl: Kubectl, frames: number) {
  const its = ['-n', NAMESPACE, '-l', `dualparal.io/video-generation=${NAME}`];
  const status = () => statusOf(kubectl, NAME);
  /** `changes` go over its spec. */
  const make = (changes: object = {}) =>
    kubectl(['apply', '-f', '-'], filmManifest(NAME, { ...LONG, length: { frames }, ...changes }));
  const complete = async (): Promise<FilmStatus> => {
    await kubectl(['-n', NAMESPACE, 'wait', 'vg', NAME, '--for=condition=Complete', '--timeout=240s']);
    return status();
  };
  return {
    make,
    complete,
    /** Sha256 of one that is left alone. */
    undisturbed: async () => {
      await make();
      const { attempts, usage, output } = await complete();
      expect(attempts).toMatchObject([{ outcome: 'Succeeded', gpus: PARALLELISM.gpus }]);
      expect(usage).toMatchObject({ lostGpuSeconds: 0 });
      return output?.sha256;
    },
    /** Waits until its attempt of a number has kept so many iterations; no later one may have begun, and it must not be over. */
    getsOn: (attempt: number, iterations: number) =>
      vi.waitUntil(async () => {
        const { phase, attempts = [] } = await status();
        const [last, ...later] = attempts.slice(attempt - 1);
        expect({ phase, later }).toEqual({ phase: expect.not.stringMatching(OVER), later: [] });
        const { outcome, checkpointIteration = 0, resumedFromIteration = 0 } = last ?? {};
        return outcome === 'Running' && checkpointIteration >= resumedFromIteration + iterations;
      }, WITHIN_MINUTES),
    runningPods: async () =>
      (await kubectl(['get', 'pods', ...its, '--field-selector=status.phase=Running', '-o', 'name'])).trim(),
    deletePods: (...flags: readonly string[]) => kubectl(['delete', 'pods', ...its, ...flags]),
    /** Suspends it for as long as something else takes. */
    suspendWhile: async (work: () => Promise<void>) => {
      const patch = ['-n', NAMESPACE, 'patch', 'vg', NAME, '--type=merge', '-p'];
      await kubectl([...patch, '{"spec":{"suspend":true}}']);
      await waitForPhase(kubectl, NAME, ['Suspended']);
      await work();
      await kubectl([...patch, '{"spec":{"suspend":false}}']);
    },
    /** Deletes it and waits until its pods are gone. */
    remove: async () => {
      await kubectl(['-n', NAMESPACE, 'delete', 'vg', NAME, '--wait', '--ignore-not-found']);
      const pods = () => kubectl(['get', 'pods', ...its, '-o', 'name']);
      await vi.waitUntil(async () => (await pods()).trim() === '', WITHIN_MINUTES);
    },
  };
}

/** Every attempt that goes on does so from further in the film than the one before it. */
export function expectToGoOn({ attempts = [] }: FilmStatus): void {
  const points = attempts.filter(({ outcome }) => outcome !== 'Resized').map((attempt) => attempt.resumedFromIteration);
  const [first, ...later] = points.map((point) => point ?? 0);
  expect(first).toBe(0);
  for (const [at, point] of later.entries()) expect(point, `${later}`).toBeGreaterThan(later[at - 1] ?? 0);
}

/** The film's usage is that of its attempts, and not all of it is lost. */
export function expectLedgerToAddUp({ usage, attempts = [] }: FilmStatus): void {
  const sum = (of: 'gpuSeconds' | 'lostGpuSeconds') => attempts.reduce((all, attempt) => all + (attempt[of] ?? 0), 0);
  expect(usage).toEqual({ gpuSeconds: sum('gpuSeconds'), lostGpuSeconds: sum('lostGpuSeconds') });
  expect(usage!.gpuSeconds).toBeGreaterThan(usage!.lostGpuSeconds);
}
