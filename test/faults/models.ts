/** Model folders with something wrong, through the command line: each is refused by a code, or makes the film of the whole one. */
import { cpSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createDice, type Dice } from './dice.ts';
import { writeManifest } from './film-input.ts';
import { ROOT, startFilm } from './film-process.ts';
import { counter, type FaultLine } from './table.ts';

const MODEL = join(ROOT, 'test/golden/data/tiny-wan');
const FILES = [
  'model_index.json',
  'scheduler/scheduler_config.json',
  'text_encoder/config.json',
  'text_encoder/model.safetensors',
  'tokenizer/tokenizer.json',
  'tokenizer/tokenizer_config.json',
  'transformer/config.json',
  'transformer/diffusion_pytorch_model.safetensors',
  'vae/config.json',
  'vae/diffusion_pytorch_model.safetensors',
];
const SHORT = { frames: 5, steps: 2 };

/** What people's folders suffer; none of it can leave a file that means another model. */
const DAMAGES: Readonly<Record<string, (file: string, dice: Dice) => void>> = {
  missing: (file) => rmSync(file),
  empty: (file) => truncateSync(file, 0),
  'cut short': (file, dice) => truncateSync(file, Math.floor(dice.share() * statSync(file).size)),
  'an LFS pointer': (file) =>
    writeFileSync(file, `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 12345\n`),
  'an HTML page': (file) => writeFileSync(file, '<!DOCTYPE html>\n<html><head><title>Sign in</title></head></html>\n'),
  'a folder': (file) => {
    rmSync(file);
    mkdirSync(file);
  },
  'a link that leads nowhere': (file) => {
    rmSync(file);
    symlinkSync('../../blobs/0123456789abcdef', file);
  },
  'an endless device': (file) => {
    rmSync(file);
    symlinkSync('/dev/zero', file);
  },
  'noise at its start': (file) => {
    const bytes = readFileSync(file);
    bytes.fill(0, 0, 16);
    writeFileSync(file, bytes);
  },
};
const KINDS = Object.keys(DAMAGES);
/** What another program, or a system that is not well, would answer for; a damaged model must not come to that. */
const NO_ANSWER = new Set(['E_INTERNAL', 'E_CRASHED', 'E_KILLED', 'E_ENDED', 'E_OUT_OF_MEMORY', 'E_FILE_LOST']);

/** Opens `times` damaged folders with every verb that reads one. */
export async function damagedModels(scratch: string, times: number, seed: number): Promise<FaultLine> {
  const dice = createDice(seed);
  const { seen, add } = counter();
  const failures: string[] = [];
  const whole = await generate(scratch, 'whole', MODEL);
  for (let index = 0; index < times; index++) {
    const model = join(scratch, `model-${index}`);
    cpSync(MODEL, model, { recursive: true });
    const file = dice.pick(FILES);
    const kind = dice.pick(KINDS);
    DAMAGES[kind]?.(join(model, file), dice);
    const told = await Promise.all([inspect(scratch, model), plan(scratch, `film-${index}`, model)]);
    const made = await generate(scratch, `film-${index}`, model);
    add(made.code ?? 'the whole film');
    const name = `${index} (${file}: ${kind})`;
    failures.push(...wrongs([...told, made]).map((wrong) => `${name}: ${wrong}`));
    if (made.code === undefined && made.film !== whole.film) failures.push(`${name}: made another film`);
    if (made.code !== undefined && told.some(({ code }) => code === undefined)) {
      failures.push(`${name}: only generate refused it (${made.code})`);
    }
    rmSync(model, { recursive: true });
  }
  return { what: 'damaged model folders', done: times, seen, failures };
}

/** What a verb said of a model: its code if it refused it, the film's sum if it made one. */
interface Told {
  readonly verb: string;
  readonly status: number | string;
  readonly code: string | undefined;
  readonly film?: string | undefined;
}

function wrongs(all: readonly Told[]): readonly string[] {
  return all.flatMap(({ verb, status, code }) => {
    if (typeof status !== 'number') return [`${verb} ended with ${status}`];
    if (status === 0) return [];
    if (code === undefined || NO_ANSWER.has(code)) return [`${verb} ended with ${status}, ${code ?? 'no code'}`];
    return [];
  });
}

const codeIn = (stderr: string) => /^(E_[A-Z_]+): /m.exec(stderr)?.[1];

async function told(verb: string, cwd: string, args: readonly string[]): Promise<Told> {
  const { status, stderr, record } = await startFilm([verb, ...args], { cwd }).ended;
  return { verb, status, code: status === 0 ? undefined : codeIn(stderr), film: record?.film?.sha256 };
}

const inspect = (cwd: string, model: string) => told('inspect', cwd, [model, '--json']);

const plan = (cwd: string, name: string, model: string) =>
  told('plan', cwd, ['-f', writeManifest(cwd, name, { ...SHORT, model }), '--model', model, '--json']);

const generate = (cwd: string, name: string, model: string) =>
  told('generate', cwd, [
    ...['-f', writeManifest(cwd, name, { ...SHORT, model }), '--model', model],
    ...['-o', join(cwd, `out-${name}`), '--json'],
  ]);
