import { describe, expect, it } from 'vitest';
import { readSettings, settingsHelp } from './settings.ts';

describe('readSettings', () => {
  it('has a default for everything but the image', () => {
    expect(readSettings([], { DUALPARAL_RUNNER_IMAGE: 'dualparal:1', DUALPARAL_IDENTITY: 'pod-a' })).toEqual({
      runnerImage: 'dualparal:1',
      runnerPullPolicy: 'IfNotPresent',
      namespace: 'dualparal-system',
      watchNamespaces: [],
      progressUrl: 'https://dualparal-operator.dualparal-system.svc:8443/v1/progress',
      progressPort: 8443,
      healthPort: 8080,
      leaderElection: true,
      identity: 'pod-a',
      workers: 8,
      allowHostPath: false,
      kueue: false,
      logLevel: 'info',
      runnerDefaults: {},
    });
  });

  it('takes flags before variables, and empty variables for none', () => {
    const env = {
      DUALPARAL_RUNNER_IMAGE: 'a',
      DUALPARAL_WORKERS: '3',
      DUALPARAL_WATCH_NAMESPACES: '',
      DUALPARAL_NAMESPACE: 'ops',
    };
    const settings = readSettings(['--runner-image', 'b', '--allow-host-path=true', '--leader-election', 'false'], env);
    expect(settings).toMatchObject({
      runnerImage: 'b',
      workers: 3,
      allowHostPath: true,
      leaderElection: false,
      progressUrl: 'https://dualparal-operator.ops.svc:8443/v1/progress',
    });
    expect(settings?.watchNamespaces).toEqual([]);
  });

  it('takes namespaces with commas between them, each once', () => {
    const settings = readSettings(['--runner-image', 'a', '--watch-namespaces', 'films, studio,films,'], {});
    expect(settings?.watchNamespaces).toEqual(['films', 'studio']);
  });

  it.each([
    ['no image', [], {}, '--runner-image (DUALPARAL_RUNNER_IMAGE): is required; see --help'],
    [
      'all that is wrong at once',
      ['--workers', '0', '--progress-url', 'http://x/'],
      { DUALPARAL_RUNNER_IMAGE: 'a', DUALPARAL_HEALTH_PORT: 'x' },
      "--progress-url (DUALPARAL_PROGRESS_URL): Invalid URL, found 'http://x/'; " +
        "--health-port (DUALPARAL_HEALTH_PORT): Invalid input: expected number, received NaN, found 'x'; " +
        "--workers (DUALPARAL_WORKERS): Too small: expected number to be >=1, found '0'; see --help",
    ],
    [
      'what is no name of a namespace',
      ['--runner-image', 'a', '--watch-namespaces', 'films,Studio'],
      {},
      "--watch-namespaces (DUALPARAL_WATCH_NAMESPACES): is no name of a namespace, found 'films,Studio'; see --help",
    ],
    ['a flag that is none', ['--worker', '1'], {}, "Unknown option '--worker'; see --help"],
  ])('refuses %s', (_what, args, env, message) => {
    expect(() => readSettings(args, env)).toThrow(message);
  });

  it('has a line of help for each setting', () => {
    expect(readSettings(['--help'], {})).toBeUndefined();
    const flags = settingsHelp().match(/--[a-z-]+ +DUALPARAL_[A-Z_]+/g);
    expect(flags?.length).toBe(15);
  });
});
