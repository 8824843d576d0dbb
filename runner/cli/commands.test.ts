import { spawn, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { EXITS } from '#contract/exit.ts';
import { CONTRACT_VERSION } from '#contract/version.ts';

const ROOT = join(import.meta.dirname, '../..');
const MODEL = join(ROOT, 'test/golden/data/tiny-wan');
const folder = mkdtempSync(join(tmpdir(), 'dualparal-cli-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The command line as a person starts it, on a machine that has nothing but Node. */
function dualparal(...args: readonly string[]) {
  const run = spawnSync(join(ROOT, 'bin/dualparal.mjs'), args, {
    cwd: folder,
    encoding: 'utf8',
    env: { PATH: `${join(process.execPath, '..')}:/bin` },
  });
  return { status: run.status, stdout: run.stdout, stderr: run.stderr };
}

/** A film of five small frames; `changes` go over its spec. */
function manifest(name: string, changes: object = {}): string {
  const spec = {
    prompt: 'a red circle',
    length: { frames: 5 },
    size: { width: 32, height: 32 },
    model: { ref: MODEL },
    sampling: { steps: 2 },
    parallelism: { gpus: 2, blockLatents: 1, contextLatents: 1 },
    ...changes,
  };
  const file = join(folder, `${name}.json`);
  writeFileSync(
    file,
    JSON.stringify({ apiVersion: 'dualparal.io/v1alpha1', kind: 'VideoGeneration', metadata: { name }, spec }),
  );
  return file;
}

/** A copy of the tiny model with something wrong with it. */
function brokenModel(name: string, spoil: (model: string) => void): string {
  const model = join(folder, name);
  cpSync(MODEL, model, { recursive: true });
  spoil(model);
  return model;
}

const lastLine = (text: string) => text.trimEnd().split('\n').at(-1);

describe('dualparal generate', () => {
  test('makes a film with nothing on the machine but Node, and ends by saying what it is', () => {
    const latents = join(folder, 'clean.safetensors');
    const file = manifest('first');
    const { status, stdout } = dualparal('generate', '-f', file, '-o', 'made', '--latents', latents);
    expect(status).toBe(0);
    expect(stdout).toMatch(
      /film: made\/video\.mp4\n {2}h264, 32×32, 16 frames\/s, 5 frames, 0\.31 s\n {2}\d+ bytes, sha256 [0-9a-f]{64}/,
    );
    const header = readFileSync(latents).subarray(8).toString('latin1');
    expect(header).toContain('"latents":{"dtype":"F32","shape":[1,16,2,4,4]');
  });

  test('prints progress and result as JSON lines', () => {
    const { status, stdout } = dualparal('generate', '-f', manifest('lines'), '--json');
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    const result = lines.at(-1);
    expect([status, result.outcome, result.film.frames]).toEqual([0, 'succeeded', 5]);
    const records = lines.slice(0, -1).map((line) => line.progress);
    expect(records.at(-1)).toMatchObject({
      phase: 'Done',
      percent: 100,
      framesReady: 5,
      blockSteps: 2,
      blockStepsTotal: 2,
    });
    expect(records.map((record) => record.sequence)).toEqual(records.map((_, index) => index));
  });

  test('cuts a prompt that is too long, and says so before anything loads and at the end', () => {
    const file = manifest('long', { prompt: 'red circle '.repeat(400) });
    const { status, stdout, stderr } = dualparal('generate', '-f', file);
    expect(status).toBe(0);
    expect(stderr.split('Loading')[0]).toMatch(/^warning: prompt is too long: its last \d+ tokens are cut/m);
    expect(stdout).toMatch(/warning: prompt is too long: its last \d+ tokens are cut, the model reads 512/);
  });

  test('starts from the noise of a file, and from no other than one that fits', () => {
    const noise = join(ROOT, 'test/golden/data/dualparal/t6-b4-c2.safetensors');
    const parallelism = { gpus: 1, blockLatents: 4, contextLatents: 2 };
    const fitting = manifest('noise', { length: { frames: 101 }, size: { width: 64, height: 48 }, parallelism });
    expect(dualparal('generate', '-f', fitting, '--noise', noise).status).toBe(0);
    const { status, stderr } = dualparal('generate', '-f', manifest('other'), '--noise', noise);
    expect([status, lastLine(stderr)]).toEqual([
      EXITS.spec.code,
      expect.stringMatching(/^E_NOISE_POOL: .*1, 16, 6, 6, 8/),
    ]);
  });

  test.each([
    {
      signal: 'SIGINT',
      line: /^E_STOPPED: told to stop by SIGINT after \d+ of 1025 frames; started again, it goes on after iteration \d+ of \d+$/,
    },
    {
      signal: 'SIGTERM',
      line: /^E_STOPPED: told to stop by SIGTERM after \d+ of 1025 frames; started again, it goes on after iteration \d+ of \d+$/,
    },
  ] as const)(
    'stops cleanly on $signal: coded, counted, with the exit code of what can be gone on with',
    async ({ signal, line }) => {
      const file = manifest(`stopped-${signal.toLowerCase()}`, { length: { frames: 1025 }, sampling: { steps: 50 } });
      const args = [join(ROOT, 'runner/cli/main.ts'), 'generate', '-f', file, '--json'];
      const child = spawn(process.execPath, args, { cwd: folder });
      let stderr = '';
      child.stderr.on('data', (chunk) => {
        stderr += chunk;
      });
      await new Promise<void>((resolve) =>
        child.stdout.on('data', (chunk) => String(chunk).includes('Denoising') && resolve()),
      );
      child.kill(signal);
      const status = await new Promise((resolve) => child.once('exit', resolve));
      expect([status, lastLine(stderr)]).toEqual([EXITS.resume.code, expect.stringMatching(line)]);
    },
  );
});

describe('dualparal plan', () => {
  test('says what would run, as text and as JSON', () => {
    const file = manifest('planned', {
      length: { frames: 101 },
      parallelism: { gpus: 3, blockLatents: 4, contextLatents: 2 },
    });
    expect(dualparal('plan', '-f', file).stdout).toContain('26 latents in 6 blocks of 4, context 2, surplus 0');
    const plan = JSON.parse(dualparal('plan', '-f', file, '--json').stdout);
    expect([
      plan.latents,
      plan.blocks,
      plan.blockSteps,
      plan.stages.map((s: { endLayer: number }) => s.endLayer),
    ]).toEqual([26, 6, 12, [2, 4, 5]]);
  });
});

const truncated = () =>
  brokenModel('truncated', (model) =>
    truncateSync(join(model, 'transformer/diffusion_pytorch_model.safetensors'), 4000),
  );

const foreign = () =>
  brokenModel('foreign', (model) => {
    const index = JSON.parse(readFileSync(join(model, 'model_index.json'), 'utf8'));
    writeFileSync(
      join(model, 'model_index.json'),
      JSON.stringify({ ...index, _class_name: 'WanImageToVideoPipeline' }),
    );
  });

interface BadInput {
  readonly what: string;
  readonly args: () => readonly string[];
  readonly exit: keyof typeof EXITS;
  readonly line: RegExp;
}

/** Each: one line that names the code, the place and the number, and an exit code that says who can mend it. */
const BAD: readonly BadInput[] = [
  { what: 'no command', args: () => [], exit: 'usage', line: /./ },
  { what: 'an unknown command', args: () => ['make'], exit: 'usage', line: /E_CLI_USAGE: unknown command 'make'/ },
  {
    what: 'no manifest',
    args: () => ['generate', '-f', 'absent.yaml'],
    exit: 'usage',
    line: /^E_CLI_FILE: cannot read absent\.yaml: ENOENT/m,
  },
  {
    what: 'frames that are not 4k + 1',
    args: () => ['generate', '-f', manifest('frames', { length: { frames: 80 } })],
    exit: 'spec',
    line: /^E_MANIFEST_FIELDS: .*length\.frames.*4k \+ 1.*77 or 81/m,
  },
  {
    what: 'a size that is no multiple of 16',
    args: () => ['plan', '-f', manifest('size', { size: { width: 40, height: 32 } })],
    exit: 'spec',
    line: /^E_MANIFEST_FIELDS: .*spec\.size\.width.*multiple of 16/m,
  },
  {
    what: 'a prompt of which the cleaning leaves nothing, for a plan',
    args: () => ['plan', '-f', manifest('blank-plan', { prompt: '&Acirc;&nbsp; Ã‚Â\u00a0' })],
    exit: 'spec',
    line: /^E_PROMPT_BLANK: prompt: nothing to read is left of "&Acirc;&nbsp; /m,
  },
  {
    what: 'a prompt of which the cleaning leaves nothing, for a film',
    args: () => ['generate', '-f', manifest('blank-film', { prompt: 'â€‹' })],
    exit: 'spec',
    line: /^E_PROMPT_BLANK: prompt: /m,
  },
  {
    what: 'more context than block',
    args: () => ['plan', '-f', manifest('context', { parallelism: { gpus: 1, blockLatents: 1, contextLatents: 2 } })],
    exit: 'spec',
    line: /^E_MANIFEST_FIELDS: .*contextLatents.*at most blockLatents/m,
  },
  {
    what: 'more stages than layers',
    args: () => ['generate', '-f', manifest('stages'), '--stages', '6'],
    exit: 'plan',
    line: /^E_PLAN_STAGES: .*6.*5 layers/m,
  },
  {
    what: 'stages that are no number',
    args: () => ['generate', '-f', manifest('nan'), '--stages', 'two'],
    exit: 'usage',
    line: /^E_CLI_STAGES: .*found two/m,
  },
  {
    what: 'a model that is nowhere',
    args: () => ['generate', '-f', manifest('ref', { model: { ref: 'no-such-model' } })],
    exit: 'model',
    line: /^E_CLI_MODEL: no model folder for ref 'no-such-model'/m,
  },
  {
    what: 'a missing model folder',
    args: () => ['generate', '-f', manifest('gone'), '--model', 'gone'],
    exit: 'model',
    line: /^E_MODEL_FOLDER: .*gone: does not exist/m,
  },
  {
    what: 'a truncated weight file',
    args: () => ['generate', '-f', manifest('cut'), '--model', truncated()],
    exit: 'model',
    line: /^E_WEIGHTS_\w+: transformer\/diffusion_pytorch_model\.safetensors/m,
  },
  {
    what: 'a model of another class',
    args: () => ['generate', '-f', manifest('class'), '--model', foreign()],
    exit: 'model',
    line: /^E_MODEL_\w+: .*WanImageToVideoPipeline/m,
  },
];

test.each(BAD)('$what is refused in one coded line, without a stack', ({ args, exit, line }) => {
  const { status, stderr } = dualparal(...args());
  expect(status).toBe(EXITS[exit].code);
  expect(stderr).toMatch(line);
  expect(stderr).not.toMatch(/^\s+at /m);
});

test('what runs in a pod tells a model that is not there yet from one that is damaged', () => {
  const attempt = (model: string) => {
    const file = join(folder, 'attempt.json');
    const job = {
      contractVersion: CONTRACT_VERSION,
      name: 'attempt',
      prompt: 'a red circle',
      frames: 5,
      size: { width: 32, height: 32 },
      model: { ref: 'tiny', folder: model },
      sampling: { steps: 1 },
      parallelism: { gpus: 1, blockLatents: 1, contextLatents: 1 },
      output: { folder: join(folder, 'attempt') },
    };
    writeFileSync(file, JSON.stringify(job));
    return dualparal('run', '--job', file);
  };
  const absent = attempt(join(folder, 'gone'));
  expect([absent.status, absent.stderr]).toEqual([EXITS.absent.code, expect.stringMatching(/^E_MODEL_FOLDER: /m)]);
  const damaged = attempt(brokenModel('damaged', (model) => writeFileSync(join(model, 'model_index.json'), '{]')));
  expect([damaged.status, damaged.stderr]).toEqual([EXITS.model.code, expect.stringMatching(/^E_MODEL_FILE: /m)]);
});

const isRoot = process.getuid?.() === 0;

/** A file system of its own for the output; root only, since it is mounted. */
function withMount(options: string, use: (mounted: string) => void): void {
  const place = join(folder, `mount-${options.replace(/\W/g, '-')}`);
  mkdirSync(place);
  expect(spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', place]).status).toBe(0);
  try {
    use(place);
  } finally {
    spawnSync('umount', [place]);
  }
}

test.skipIf(!isRoot)(
  'an output folder that is read-only is refused before anything loads (needs root for a mount)',
  () => {
    withMount('ro', (place) => {
      const { status, stderr } = dualparal('generate', '-f', manifest('readonly'), '-o', place);
      expect([status, lastLine(stderr)]).toEqual([EXITS.output.code, expect.stringMatching(/^E_STORE_READ_ONLY: /)]);
      expect(stderr).not.toContain('Denoising');
    });
  },
);

test.skipIf(!isRoot)('a full disk is named, and leaves no half film (needs root for a mount)', () => {
  withMount('size=8k', (place) => {
    copyFileSync(join(ROOT, 'package.json'), join(place, 'kept'));
    const { status, stderr } = dualparal('generate', '-f', manifest('full'), '-o', place);
    expect([status, lastLine(stderr)]).toEqual([
      EXITS.output.code,
      expect.stringMatching(/^E_STORE_FULL: .*no space is left/),
    ]);
    expect(readFileSync(join(place, 'kept'), 'utf8')).toContain('dualparal');
  });
});
