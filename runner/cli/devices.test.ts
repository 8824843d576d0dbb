import { spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { EXITS } from '#contract/exit.ts';
import { markedProcesses } from '../../test/build/marked-processes.ts';
import {
  buildBrokenRuntime,
  buildGpuLibraries,
  canBuildLibraries,
  type DoubleMachine,
  doubleEnvironment,
} from '../../test/double/gpu-libraries.ts';

const ROOT = join(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'dualparal-devices-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const hex = (last: string) => `8d1c0a3e00004000800000000000000${last}`;
const uuid = (last: string) => `8d1c0a3e-0000-4000-8000-00000000000${last}`;
const GIVEN = { NVIDIA_VISIBLE_DEVICES: `GPU-${uuid('a')}` };

const FILM = [
  ...['-f', join(ROOT, 'examples/first-film.yaml'), '--model', join(ROOT, 'models/tiny')],
  ...['--stages', '2'],
];

const BARE = { PATH: `${join(process.execPath, '..')}:/bin` };

/** The command line in an environment of its own, without the driver of the machine that tests run on. */
function dualparal(args: readonly string[], environment: NodeJS.ProcessEnv = {}) {
  const { status, stdout, stderr } = spawnSync(join(ROOT, 'bin/dualparal.mjs'), args, {
    cwd: folder,
    encoding: 'utf8',
    env: { ...BARE, ...environment },
  });
  return { status, stdout, stderr };
}

/** Folders of stand-ins that the loader finds, and what they show. */
function machine(shown: DoubleMachine, parts: readonly string[] = ['driver', 'nvml', 'cuda']): NodeJS.ProcessEnv {
  return {
    ...doubleEnvironment(shown),
    LD_LIBRARY_PATH: parts.map((part) => join(folder, part)).join(':'),
    DUALPARAL_ORT_LIBRARY: join(folder, 'runtime/libonnxruntime.so.1'),
  };
}

const TWO: DoubleMachine = {
  cuda: [
    { uuid: hex('b'), peers: '1' },
    { uuid: hex('a'), peers: '0' },
  ],
  nvml: [
    { uuid: `GPU-${uuid('a')}`, name: 'NVIDIA first', freeMebibytes: 40_960, processes: 2 },
    { uuid: `GPU-${uuid('b')}`, name: 'NVIDIA second' },
  ],
};

describe.skipIf(!canBuildLibraries)('on a machine with GPUs (stand-ins of the libraries; needs cc)', () => {
  beforeAll(() => buildGpuLibraries(folder));

  const survey = (shown: DoubleMachine, parts?: readonly string[]) => {
    const { status, stdout, stderr } = dualparal(['devices', '--json'], machine(shown, parts));
    expect([status, stderr]).toEqual([0, '']);
    return JSON.parse(stdout);
  };

  test('each GPU is shown with what the driver and NVML know of it, matched by uuid', () => {
    const { driver, gpus, chosen } = survey(TWO);
    expect(driver).toEqual({ cudaVersion: 13_000, version: '580.65.06' });
    expect(gpus).toMatchObject([
      { index: 0, uuid: `GPU-${uuid('b')}`, name: 'NVIDIA second', peers: [1], freeBytes: 81_000 * 2 ** 20 },
      { index: 1, uuid: `GPU-${uuid('a')}`, name: 'NVIDIA first', peers: [0], freeBytes: 40_960 * 2 ** 20 },
    ]);
    expect(gpus[1].processes).toEqual([
      { pid: 1000, bytes: 2 ** 30 },
      { pid: 1001, bytes: null },
    ]);
    expect(gpus[0]).toMatchObject({ major: 9, minor: 0, totalBytes: 81_000 * 2 ** 20, processes: [], problem: null });
    expect(chosen).toBe('cuda:0 (NVIDIA second)');
  });

  test('the table has a line for each GPU, and a reason under one that cannot be used', () => {
    const [first, second] = TWO.cuda;
    const shown = { ...TWO, cuda: [first!, { ...second!, major: 6, minor: 1 }] };
    const { stdout } = dualparal(['devices'], machine(shown));
    expect(stdout.split('\n')).toEqual([
      'NVIDIA driver 580.65.06, CUDA 13.0',
      expect.stringMatching(/^device {2}name +uuid +capability {2}free of total +reaches {2}usable$/),
      expect.stringMatching(/^cuda:0 {2}NVIDIA second {2}GPU-\S+b {2}9\.0 +79\.1 of 79\.1 GiB {2}1 +yes$/),
      expect.stringMatching(/^cuda:1 {2}NVIDIA first {3}GPU-\S+a {2}6\.1 +40\.0 of 79\.1 GiB {2}0 +no$/),
      expect.stringMatching(/^ {2}E_DEVICE_CAPABILITY: cuda:1 \(NVIDIA first\)/),
      'films are computed on 1 of 2 GPUs',
      '',
    ]);
  });

  test('without NVML the free memory is said to be unknown', () => {
    const { gpus, memoryProblem, chosen } = survey(TWO, ['driver', 'cuda']);
    expect([gpus[0].freeBytes, chosen]).toEqual([null, 'cuda:0 (NVIDIA H100)']);
    expect(memoryProblem).toContain('cannot open shared object file');
  });

  test.each(['nvmlDeviceGetMemoryInfo', 'nvmlDeviceGetHandleByIndex_v2'])(
    'a GPU of which %s does not tell the free memory is a warning of the plan, and no other loses its own',
    (call) => {
      const shown = { ...TWO, fail: { [`${call}@1`]: 15 } };
      const { gpus, memoryProblem } = survey(shown);
      expect(gpus).toMatchObject([{ freeBytes: null }, { freeBytes: 40_960 * 2 ** 20 }]);
      expect(memoryProblem).toBe(`GPU 1 of NVML: ${call}: Unknown Error, error 15`);
      const { warnings } = JSON.parse(dualparal(['plan', ...FILM, '--json'], machine(shown)).stdout);
      expect(warnings).toEqual([
        expect.stringMatching(`^the free memory of cuda:0 .* is not known .*${call}.* error 15`),
      ]);
    },
  );

  test('a driver that fails fails a film that was given GPUs, by the name of the call', () => {
    const environment = { ...machine({ ...TWO, fail: { cuInit: 999 } }), ...GIVEN };
    const { status, stderr } = dualparal(['plan', ...FILM], environment);
    expect([status, stderr]).toEqual([
      EXITS.device.code,
      expect.stringMatching(
        /^E_DEVICE_DRIVER_FAILED: .*in cuInit: CUDA_ERROR_UNKNOWN, unknown error, error 999; this process was given/m,
      ),
    ]);
  });

  test.each(['cuInit', 'cuDeviceGetCount', 'cuDeviceCanAccessPeer'])(
    'a driver that never answers (%s) ends a film that was given GPUs with a code; others are made on the processor',
    (call) => {
      const environment = { ...machine({ ...TWO, fail: { [call]: -1 } }), DUALPARAL_PATIENCE_SECONDS: '1' };
      const { status, stderr } = dualparal(['plan', ...FILM], { ...environment, ...GIVEN });
      expect([status, stderr]).toEqual([
        EXITS.device.code,
        expect.stringMatching(
          /^E_DEVICE_DRIVER_HUNG: .* has not answered for 1 s and was given up; this process was given/m,
        ),
      ]);
      const { stdout } = dualparal(['plan', ...FILM], environment);
      expect(stdout).toMatch(/stage 0 on cpu:0[\s\S]*warning: the film is computed on the processor: .*not answered/);
    },
  );

  test('NVML that never answers is a warning, and the film has its GPUs', () => {
    const environment = machine({ ...TWO, fail: { nvmlInit_v2: -1 } });
    const { status, stdout } = dualparal(['plan', ...FILM], { ...environment, DUALPARAL_PATIENCE_SECONDS: '2' });
    expect([status, stdout]).toEqual([
      0,
      expect.stringMatching(/stage 0 on cuda:0[\s\S]*warning: the free memory of .* \(no answer within 2 s\)/),
    ]);
  });

  test('a stop is heard while the driver does not answer', async () => {
    const environment = { ...BARE, ...machine({ ...TWO, fail: { cuInit: -1 } }) };
    const args = ['generate', ...FILM, '-o', join(folder, 'stopped'), '--json'];
    const film = spawn(join(ROOT, 'bin/dualparal.mjs'), args, {
      env: environment,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    let said = '';
    film.stdout.setEncoding('utf8').on('data', (text: string) => {
      if (said === '') film.kill('SIGTERM');
      said += text;
    });
    const [status] = await once(film, 'close');
    expect(status).toBe(EXITS.resume.code);
    expect(JSON.parse(said.trim().split('\n').at(-1)!)).toMatchObject({ outcome: 'stopped' });
  });

  test.each([
    { args: ['devices'], stop: 'SIGTERM' },
    { args: ['devices'], stop: 'SIGKILL' },
    { args: ['plan', ...FILM], stop: 'SIGKILL' },
  ] as const)(
    'nothing is left of $args.0 that ends by $stop while the driver does not answer',
    async ({ args, stop }) => {
      const mark = `MARK_${randomUUID()}`;
      const environment = { ...BARE, ...machine({ ...TWO, fail: { cuInit: -1 } }), [mark]: '1' };
      const command = spawn(join(ROOT, 'bin/dualparal.mjs'), args, { env: environment, stdio: 'ignore' });
      const asking = () => markedProcesses(mark).filter(({ words }) => words.includes('look-at-gpus'));
      await vi.waitUntil(() => asking().length === 1, { timeout: 30_000 });
      command.kill(stop);
      await vi.waitUntil(() => markedProcesses(mark).length === 0, { timeout: 30_000 });
      expect(asking()).toEqual([]);
    },
  );

  test('a driver that has no device is no failure for who was given none', () => {
    const { chosen, problem } = survey({ ...TWO, fail: { cuInit: 100 } });
    expect([chosen, problem.code]).toEqual(['cpu:0', 'E_DEVICE_NONE']);
  });

  test('a plan names the GPUs, and a film of more stages than GPUs is refused', () => {
    const { status, stdout } = dualparal(['plan', ...FILM], machine(TWO));
    expect(status).toBe(0);
    expect(stdout).toMatch(/stage 0 on cuda:0 \(NVIDIA second\): .*\n {2}stage 1 on cuda:1 \(NVIDIA first\): /);
    const three = dualparal(['plan', ...FILM.slice(0, -1), '3'], machine(TWO));
    expect([three.status, three.stderr]).toEqual([
      EXITS.plan.code,
      expect.stringMatching(/^E_DEVICE_COUNT: 3 stages need a GPU each, 2 of 2 can be used/m),
    ]);
  });

  test('of several GPUs a film takes one that computes in its format and has room, in a container too, where nobody tells who holds them', () => {
    const [held, old, free] = ['a', 'b', 'c'];
    const shown = machine({
      cuda: [{ uuid: hex(held!) }, { uuid: hex(old!), major: 7, minor: 5 }, { uuid: hex(free!), mebibytes: 40_000 }],
      nvml: [
        { uuid: `GPU-${uuid(held!)}`, freeMebibytes: 690 },
        { uuid: `GPU-${uuid(old!)}`, name: 'Tesla T4' },
        { uuid: `GPU-${uuid(free!)}`, name: 'NVIDIA A100' },
      ],
    });
    const half = join(folder, 'half.yaml');
    const film = readFileSync(join(ROOT, 'examples/first-film.yaml'), 'utf8');
    writeFileSync(half, film.replace('sampling: {', 'sampling: { precision: bfloat16,'));
    const planned = (file: string) =>
      dualparal(['plan', '-f', file, '--model', join(ROOT, 'models/tiny'), '--stages', '1'], shown).stdout;
    expect(planned(half)).toContain('stage 0 on cuda:2 (NVIDIA A100): ');
    expect(planned(join(ROOT, 'examples/first-film.yaml'))).toContain('stage 0 on cuda:1 (Tesla T4): ');
  });

  test('a stage that would fit if nobody else held memory is refused with the holder, one that never fits by the plan', () => {
    const [first, second] = TWO.nvml;
    const held = machine({ ...TWO, nvml: [{ ...first!, freeMebibytes: 676 }, second!] });
    const { status, stderr } = dualparal(['plan', ...FILM], held);
    expect([status, stderr]).toEqual([
      EXITS.device.code,
      expect.stringMatching(
        /^E_DEVICE_HELD: cuda:1 \(NVIDIA first\) has 0\.66 GiB of 79\.10 GiB free, 0\.\d\d GiB is needed, held by process 1000 \(1\.00 GiB\), process 1001;/m,
      ),
    ]);
    const small = machine({ ...TWO, cuda: TWO.cuda.map((gpu) => ({ ...gpu, mebibytes: 677 })) });
    const never = dualparal(['plan', ...FILM], small);
    expect([never.status, never.stderr]).toEqual([EXITS.plan.code, expect.stringMatching(/^E_PLAN_MEMORY: stage 1 /m)]);
  });

  test.each([
    {
      what: 'an old driver',
      shown: { ...TWO, cudaVersion: 12_080 },
      parts: undefined,
      line: /^E_DEVICE_DRIVER_OLD: .*CUDA 12\.8.*580 or newer/m,
    },
    {
      what: 'no CUDA libraries',
      shown: TWO,
      parts: ['driver', 'nvml'],
      line: /^E_DEVICE_PROVIDER: .*libcudart\.so\.13, /,
    },
  ])(
    '$what fails a film for which CUDA was asked; others are made on the processor with a warning',
    ({ shown, parts, line }) => {
      const asked = dualparal(['plan', ...FILM, '--device', 'cuda'], machine(shown, parts));
      expect([asked.status, asked.stderr]).toEqual([EXITS.device.code, expect.stringMatching(line)]);
      const { status, stdout } = dualparal(['plan', ...FILM], machine(shown, parts));
      expect([status, stdout]).toEqual([
        0,
        expect.stringMatching(/stage 0 on cpu:0[\s\S]*warning: the film is computed on the processor: /),
      ]);
    },
  );

  test.each(['a file cut off', 'of another build'] as const)(
    'a CUDA provider that is there and does not load (%s) is shown, and ends a film for which CUDA was asked',
    (breakage) => {
      const runtime = buildBrokenRuntime(join(folder, breakage), breakage);
      const environment = { ...machine(TWO), DUALPARAL_ORT_LIBRARY: runtime };
      const shown = JSON.parse(dualparal(['devices', '--json'], environment).stdout);
      expect(shown).toMatchObject({ problem: { code: 'E_DEVICE_PROVIDER' }, chosen: 'cpu:0' });
      expect(shown.problem.message).toContain('libonnxruntime_providers_cuda.so (');
      const asked = ['generate', ...FILM, '-o', join(folder, 'never'), '--device', 'cuda'];
      const { status, stderr } = dualparal(asked, environment);
      expect([status, stderr]).toEqual([
        EXITS.device.code,
        expect.stringMatching(/^E_DEVICE_PROVIDER: .*libonnxruntime_providers_cuda\.so \(.*; --device asks for CUDA/m),
      ]);
    },
  );

  test('stand-ins of the test bed go before GPUs', () => {
    const environment = { ...machine(TWO), ...GIVEN, DUALPARAL_STANDIN_GPUS: 'gpu-5,gpu-2' };
    expect(dualparal(['plan', ...FILM], environment).stdout).toMatch(/stage 0 on gpu-5: .*\n {2}stage 1 on gpu-2: /);
    expect(dualparal(['devices'], environment).stdout).toContain('stand-ins (DUALPARAL_STANDIN_GPUS): gpu-5, gpu-2\n');
  });
});

/** A driver of the machine itself would answer where none is meant to be. */
const hasDriver = JSON.parse(dualparal(['devices', '--json']).stdout).driver.cudaVersion !== null;

describe.skipIf(hasDriver)('on a machine without an NVIDIA driver', () => {
  test('there is no GPU, which is no failure', () => {
    const { status, stdout } = dualparal(['devices']);
    expect([status, stdout]).toEqual([
      0,
      expect.stringMatching(/^no GPU: films are computed on the processor \(\d+ cores?\)\n$/),
    ]);
  });

  test('a film whose process was given GPUs fails by name and makes nothing on the processor', () => {
    const { status, stdout, stderr } = dualparal(['generate', ...FILM, '-o', join(folder, 'made'), '--json'], GIVEN);
    expect([status, stderr]).toEqual([
      EXITS.device.code,
      expect.stringMatching(/^E_DEVICE_DRIVER: .*libcuda\.so\.1: .*GPU-8d1c/m),
    ]);
    const result = JSON.parse(stdout.trimEnd().split('\n').at(-1)!);
    expect(result).toMatchObject({ outcome: 'failed', framesReady: 0, error: { code: 'E_DEVICE_DRIVER' } });
    expect(result.film).toBeUndefined();
  });

  test.each([['plan', ...FILM], ['generate', ...FILM, '-o', join(folder, 'unmade')], ['devices']])(
    '%s says that no film can be made by a runtime that is not there, and which variable names it',
    (...args) => {
      const { stdout, stderr } = dualparal(args, { DUALPARAL_ORT_LIBRARY: '/nonexistent/libonnxruntime.so.1' });
      expect(args[0] === 'devices' ? stdout : stderr).toMatch(
        /E_DEVICE_LIBRARY: the inference library \/nonexistent\/.*; DUALPARAL_ORT_LIBRARY names it: /,
      );
    },
  );

  test('the survey says that such a film would fail', () => {
    const { status, stdout } = dualparal(['devices'], GIVEN);
    expect([status, stdout]).toEqual([0, expect.stringMatching(/^a film would fail here: E_DEVICE_DRIVER: /)]);
  });

  test.each([
    {
      args: ['--device', 'gpu'],
      environment: {},
      line: /^E_DEVICE_CHOICE: --device must be auto, cpu or cuda, found gpu$/m,
    },
    { args: [], environment: { DUALPARAL_DEVICE: 'gpu' }, line: /^E_DEVICE_CHOICE: DUALPARAL_DEVICE must be /m },
  ])('an unknown device is refused: $line', ({ args, environment, line }) => {
    const { status, stderr } = dualparal(['plan', ...FILM, ...args], environment);
    expect([status, stderr]).toEqual([EXITS.usage.code, expect.stringMatching(line)]);
  });

  test('a film that was given GPUs is made on the processor where that is asked for', () => {
    const { status, stdout } = dualparal(['plan', ...FILM, '--device', 'cpu'], GIVEN);
    expect([status, stdout]).toEqual([0, expect.stringContaining('stage 0 on cpu:0')]);
  });
});
