/**
 * Opens damaged models: each must be refused by a coded error, or be what its files truly say. Prints a line while it goes and
 * the outcomes as JSON at its end; a failure ends it, with the smallest damage that shows it.
 * `node test/fuzz/fuzz.ts [--runs N] [--seed S] [--endless]`
 */
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import fc from 'fast-check';
import { CodedError } from '#contract/error.ts';
import { sliceGraph } from '../../runner/model/layers.ts';
import { textEncoderGraph } from '../../runner/model/text-encoder.ts';
import { vaeChunkGraph } from '../../runner/model/vae-decoder.ts';
import { cpuDevices } from '../../runner/ort/device.ts';
import { createSession } from '../../runner/ort/session.ts';
import { loadModelTokenizer, measurePrompts } from '../../runner/text/prompt-tokens.ts';
import { inspectModel } from '../../runner/weights/inspect-model.ts';
import { type Model, openModel } from '../../runner/weights/open-model.ts';
import { type MicroModel, microModel } from './micro-model.ts';
import { type Damage, damagedFile, damages } from './mutations.ts';
import { findLie } from './oracle.ts';
import { putStandIn } from './stand-ins.ts';

/** What became of the damaged models: `accepted`, or the code that refused them. */
export interface FuzzReport {
  readonly runs: number;
  readonly outcomes: Readonly<Record<string, number>>;
}

const RUNS_PER_LINE = 250;
const LONGEST_MESSAGE = 1000;
const PROMPT = { name: 'prompt', text: 'a red\u00a0circle, caf\u00e9 \u{1f701}' };
const PROMPT_TOKENS = 8;
const [device] = cpuDevices(1);

function writeFile(folder: string, model: MicroModel, damage: Damage): void {
  const { bytes, length } = damagedFile(model, damage);
  const path = join(folder, damage.file);
  if (damage.standIn !== null) {
    putStandIn(path, damage.standIn);
    return;
  }
  rmSync(path, { recursive: true, force: true });
  writeFileSync(path, bytes);
  if (length > bytes.length) truncateSync(path, length);
}

const unharmed = (file: string): Damage => ({
  file,
  tree: [],
  repacked: null,
  bytes: [],
  prefix: 0,
  data: 0,
  standIn: null,
});

/** Opens the model in `folder`: the outcome's name, after every check that it must pass. */
function outcomeOf(folder: string, model: MicroModel, all: readonly Damage[], load: boolean): string {
  let opened: Model;
  try {
    opened = openModel(folder);
    const [{ tokens, cut } = { tokens: 0, cut: 0 }] = measurePrompts(tokenizerOf(opened), [PROMPT], PROMPT_TOKENS);
    if (tokens > PROMPT_TOKENS || cut < 0) throw new Error(`accepted, but the prompt has ${tokens} tokens, ${cut} cut`);
  } catch (error) {
    return refusal(folder, all, error);
  }
  const lie = findLie(folder, opened, model);
  if (lie !== undefined) throw new Error(`accepted, but ${lie}`);
  const { problems, components } = inspectModel(folder);
  const [problem] = problems;
  if (problem !== undefined) throw new Error(`accepted, but inspected as ${problem.code}: ${problem.message}`);
  if (components.some(({ headerOnlyFiles }) => headerOnlyFiles > 0)) throw new Error('accepted without data');
  if (load) loadGraphs(opened);
  return 'accepted';
}

function tokenizerOf({ tokenizerFolder, config }: Model) {
  return { tokenizerFolder, config: config.text };
}

function refusal(folder: string, all: readonly Damage[], error: unknown): string {
  if (!(error instanceof CodedError)) throw new Error('refused by an error without a code', { cause: error });
  const { code, message, exit } = error;
  if (exit !== 'model' || !/^E_(MODEL|WEIGHTS|TOKENIZER)_[A-Z]+$/.test(code))
    throw new Error(`refused by ${code} (${exit})`);
  if (message.includes('\n') || message.length > LONGEST_MESSAGE || /\{\w+\}/.test(message)) {
    throw new Error(`refused by a message that is no short line: ${message}`);
  }
  const [only] = all;
  if (all.length === 1 && only!.standIn !== null && !message.includes(basename(only!.file))) {
    throw new Error(`refused by a message that does not name ${only!.file} (${only!.standIn}): ${message}`);
  }
  if (isUnfit(folder)) return code;
  throw new Error(`refused by ${code}: ${message}, but inspected as whole`);
}

/** Whether inspecting the folder finds something: a problem, files without data, or that it is no model at all. */
function isUnfit(folder: string): boolean {
  try {
    const { problems, components, config } = inspectModel(folder);
    if (problems.length > 0 || components.some(({ headerOnlyFiles }) => headerOnlyFiles > 0)) return true;
    loadModelTokenizer({ tokenizerFolder: join(folder, 'tokenizer'), config: config!.text });
    return false;
  } catch (error) {
    if (error instanceof CodedError) return true;
    throw error;
  }
}

/** Every graph of an accepted model must build and load. */
function loadGraphs({ config, transformer, text, vae }: Model): void {
  const compute = { attention: 'cpu', dtype: 'F32' } as const;
  const layers = { firstLayer: 0, endLayer: config.transformer.layers, contextTokens: 4 };
  const size = { height: 4, width: 4, attention: 'cpu' } as const;
  const graphs = [
    [transformer.folder, sliceGraph(config.transformer, transformer.tensors, { ...compute, ...layers })],
    [text.folder, textEncoderGraph(config.text, text.tensors, { ...compute, tokens: 8 })],
    [vae.folder, vaeChunkGraph(config.vae, vae.tensors, { ...size, kind: 'steady' })],
  ] as const;
  for (const [weightsFolder, { bytes }] of graphs) {
    createSession(bytes, { device: device!, weightsFolder, intraOpThreads: 1 }).release();
  }
}

/** Runs the property; throws the smallest failing damage. */
function fuzz(folder: string, model: MicroModel, runs: number, seed: number): FuzzReport {
  const outcomes: Record<string, number> = {};
  let done = 0;
  // Loading takes far longer than opening: one accepted model in eight is loaded.
  const property = fc.property(damages(model), fc.nat(7), (all, turn) => {
    try {
      for (const damage of all) writeFile(folder, model, damage);
      const outcome = outcomeOf(folder, model, all, turn === 0);
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    } finally {
      for (const { file } of all) writeFile(folder, model, unharmed(file));
    }
    done++;
    if (done % RUNS_PER_LINE === 0) console.error(`${done} damaged models`);
  });
  fc.assert(property, { numRuns: runs, seed, includeErrorInReport: true });
  return { runs: done, outcomes };
}

const { values } = parseArgs({
  options: { runs: { type: 'string' }, seed: { type: 'string' }, endless: { type: 'boolean' } },
});
const folder = mkdtempSync(join(tmpdir(), 'fuzz-'));
const model = microModel();
try {
  for (const file of [...Object.keys(model.json), ...Object.keys(model.weights)]) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFile(folder, model, unharmed(file));
  }
  for (let seed = Number(values.seed ?? 1); ; seed++) {
    console.log(JSON.stringify({ seed, ...fuzz(folder, model, Number(values.runs ?? 1000), seed) }));
    if (!values.endless) break;
  }
} finally {
  rmSync(folder, { recursive: true });
}
