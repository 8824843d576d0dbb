import { describe, expect, test } from 'vitest';
import { findingsOf, gpuOf } from '../test/build/gpu.ts';
import { chooseDevices, lookForGpus, type Machine, surveyDevices } from './devices.ts';
import { deviceError } from './ort/errors.ts';

const WITHOUT_DRIVER = findingsOf([], { driver: { kind: 'absent', detail: 'no such file' } });
const machine = (findings = WITHOUT_DRIVER, deviceFiles: readonly string[] = []): Machine => ({
  found: findings,
  deviceFiles: () => deviceFiles,
  checkRuntime: () => undefined,
});
/** A machine whose GPU is there to be used. */
const untouched = machine(findingsOf([gpuOf(0)]));
const names = (chosen: ReturnType<typeof chooseDevices>) => chosen.devices.map(({ name }) => name);

describe('the devices of a run', () => {
  test('are those that the kubelet allotted, under their own names', () => {
    expect(chooseDevices(2, { DUALPARAL_STANDIN_GPUS: 'gpu-5,gpu-2' }, {}, untouched).devices).toEqual([
      { kind: 'cpu', index: 0, name: 'gpu-5' },
      { kind: 'cpu', index: 1, name: 'gpu-2' },
    ]);
  });

  test('are each named once, and nothing is no name', () => {
    const named = (list: string) => names(chooseDevices(1, { DUALPARAL_STANDIN_GPUS: list }, {}, untouched));
    expect(named('gpu-1,gpu-1, gpu-2 , ,')).toEqual(['gpu-1', 'gpu-2']);
    expect(named(' , ')).toEqual(['cuda:0 (NVIDIA H100 80GB HBM3)']);
  });

  test.each([{ DUALPARAL_STANDIN_GPUS: 'gpu-1' }, { DUALPARAL_DEVICE: 'cpu' }, {}])(
    'are none where the runtime cannot be loaded: %j',
    async (environment) => {
      const checkRuntime = () => {
        throw deviceError('E_DEVICE_LIBRARY', {
          file: '/x',
          platform: 'linux',
          detail: 'no such file',
          remedy: 'name another',
        });
      };
      const broken = { ...machine(findingsOf([gpuOf(0)])), checkRuntime };
      expect(() => chooseDevices(1, environment, {}, broken)).toThrow('the inference library /x cannot be loaded');
      expect(await surveyDevices(environment, broken)).toMatchObject({
        chosen: null,
        error: { code: 'E_DEVICE_LIBRARY' },
      });
    },
  );

  test('are stand-ins even where CUDA is asked for', () => {
    const environment = { DUALPARAL_STANDIN_GPUS: 'gpu-5', NVIDIA_VISIBLE_DEVICES: 'gpu-5', DUALPARAL_DEVICE: 'cuda' };
    expect(names(chooseDevices(1, environment, { flag: 'cuda' }, untouched))).toEqual(['gpu-5']);
  });

  test('are as many virtual ones as there are stages, on a machine without GPUs', () => {
    expect(names(chooseDevices(3, {}, {}, machine()))).toEqual(['cpu:0', 'cpu:1', 'cpu:2']);
  });

  test('are the processor where it is asked for', () => {
    expect(names(chooseDevices(1, { NVIDIA_VISIBLE_DEVICES: '0' }, { flag: 'cpu' }, untouched))).toEqual(['cpu:0']);
    expect(names(chooseDevices(1, { DUALPARAL_DEVICE: 'cpu' }, {}, untouched))).toEqual(['cpu:0']);
  });

  test('follow the flag where flag and environment differ', () => {
    const chosen = chooseDevices(1, { DUALPARAL_DEVICE: 'cpu' }, { flag: 'cuda' }, machine(findingsOf([gpuOf(0)])));
    expect(chosen.devices).toMatchObject([{ kind: 'cuda', index: 0 }]);
  });

  test('are never the processor in a pod that has device files of GPUs and no driver', () => {
    const pod = { KUBERNETES_SERVICE_HOST: '10.0.0.1', NVIDIA_VISIBLE_DEVICES: 'void' };
    expect(() => chooseDevices(1, pod, {}, machine(WITHOUT_DRIVER, ['null', 'nvidia0']))).toThrow(
      /no NVIDIA driver .*given GPUs by the device file \/dev\/nvidia0/,
    );
  });
});

describe('the driver', () => {
  /** Whether it is looked for: at once given up then, since a stop has come before. */
  const isAsked = (environment: NodeJS.ProcessEnv, flag?: string) =>
    lookForGpus(environment, flag, AbortSignal.abort()).then(
      () => false,
      () => true,
    );

  test.each([
    { environment: {}, flag: undefined, asked: true },
    { environment: {}, flag: 'cuda', asked: true },
    { environment: { DUALPARAL_DEVICE: 'cpu' }, flag: 'auto', asked: true },
    { environment: {}, flag: 'cpu', asked: false },
    { environment: { DUALPARAL_DEVICE: 'cpu' }, flag: undefined, asked: false },
    { environment: { DUALPARAL_STANDIN_GPUS: 'gpu-5' }, flag: 'cuda', asked: false },
    { environment: {}, flag: 'a word that is no choice', asked: false },
  ])('is asked: $asked, with $environment and --device $flag', async ({ environment, flag, asked }) => {
    expect(await isAsked(environment, flag)).toBe(asked);
  });
});

describe('a survey', () => {
  test('judges each GPU, and says what a film would do', async () => {
    const survey = await surveyDevices({}, machine(findingsOf([gpuOf(0, { major: 6, minor: 1 }), gpuOf(1)])));
    expect(survey.gpus.map(({ problem }) => problem?.code)).toEqual(['E_DEVICE_CAPABILITY', undefined]);
    expect([survey.chosen, survey.error]).toEqual(['cuda:1 (NVIDIA H100 80GB HBM3)', null]);
  });

  test('gives the error that a film would end with', async () => {
    const survey = await surveyDevices({ NVIDIA_VISIBLE_DEVICES: 'GPU-1' }, machine());
    expect([survey.chosen, survey.error?.code, survey.given]).toEqual([
      null,
      'E_DEVICE_DRIVER',
      'NVIDIA_VISIBLE_DEVICES=GPU-1',
    ]);
  });

  test('does not fail over a wrong choice in the environment', async () => {
    expect((await surveyDevices({ DUALPARAL_DEVICE: 'gpu' }, machine())).error?.code).toBe('E_DEVICE_CHOICE');
  });
});
