import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { type ErrorRecord, toErrorRecord } from '#contract/error.ts';
import { EXITS } from '#contract/exit.ts';
import type { Result } from '#contract/result.ts';
import { CONTRACT_VERSION } from '#contract/version.ts';
import { isSwitchedOn, SWITCHES } from '../switches.ts';
import { checkpointsCommand } from './checkpoints.ts';
import { devicesCommand } from './devices.ts';
import { cliError } from './errors.ts';
import { generateCommand } from './generate.ts';
import { inspectCommand } from './inspect.ts';
import { outputFailure, screenDrained } from './lost-screen.ts';
import { makesFilm, tellParent } from './parent-link.ts';
import { plainPath, withPlainPaths } from './path-options.ts';
import { planCommand } from './plan.ts';
import { printJson } from './print.ts';
import { printable } from './printable.ts';
import { reportFailure } from './report-failure.ts';
import { runCommand } from './run.ts';
import { stopSignal } from './signals.ts';

/** A command line that is wrong, or a verb that failed before it had a result of its own. */
function refuse(error: unknown, asJson: boolean): void {
  if (error instanceof CommanderError) {
    // Help and version end like this, too.
    if (error.exitCode === 0) return;
    process.exitCode = EXITS.usage.code;
    const message = error.message.replace(/^error: /, '');
    if (asJson) printRefusal({ code: 'E_CLI_USAGE', message, fixer: 'user', exit: 'usage' });
    return;
  }
  if (asJson) printRefusal(toErrorRecord(error));
  reportFailure(error);
}

function printRefusal(error: ErrorRecord): void {
  const result: Result = {
    ...{ contractVersion: CONTRACT_VERSION, outcome: 'failed', error, framesReady: 0, elapsedSeconds: 0 },
  };
  printJson(result);
}

function exitTable(): string {
  const rows = Object.values(EXITS).map(({ code, meaning }) => `  ${String(code).padStart(3)}  ${meaning}`);
  return `\nExit codes:\n${rows.join('\n')}\n\n${STOPPING}\n\n${DEBUGGING}`;
}

const STOPPING = `Stopping a film: Ctrl-C or SIGTERM ends it after the iteration under way, a second one at once. The same command goes on
from there, also after a crash or a kill. A closed terminal or pipe does not
stop it: the film is made without its screen. Once the film is there, a stop is a success.`;
const DEBUGGING = `Set DUALPARAL_DEBUG=1 to see the stack of an unexpected failure, and DUALPARAL_NO_PARENT=1 to make a film in
one process, for a debugger (a crash then leaves no result).`;

const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')) as {
  version: string;
};

const program = new Command('dualparal')
  .version(version)
  .description('Makes long films with Wan models, block by block, on as many devices as you give it.')
  .addHelpText('after', exitTable())
  .exitOverride()
  .configureOutput({
    outputError: (text, write) =>
      write(
        `E_CLI_USAGE: ${text
          .replace(/^error: /, '')
          .trimEnd()
          .split('\n')
          .map(printable)
          .join('\n')}\n`,
      ),
  })
  .hook('preAction', () => {
    for (const variable of SWITCHES) isSwitchedOn(process.env, variable);
  })
  .showHelpAfterError('see dualparal --help');

/** One value, given once, that is not empty: the last of two would win without a word. */
function once(value: string, before: string | undefined): string {
  if (value === '') throw new InvalidArgumentError('It is empty.');
  if (before !== undefined && before !== value) throw new InvalidArgumentError(`It was given before, as '${before}'.`);
  return value;
}

const DEVICE =
  'where it is computed: auto, cpu or cuda (default: DUALPARAL_DEVICE, else auto: CUDA where a GPU can be used)';
const IGNORE_MEMORY =
  'try a film that needs more memory than there is: a warning instead of an error (also: DUALPARAL_IGNORE_MEMORY=1)';

program
  .command('generate')
  .description('make the film that a manifest describes, on this machine')
  .requiredOption('-f, --file <file>', 'a VideoGeneration manifest (YAML or JSON), or - for standard input', once)
  .option('-o, --output <folder>', 'where the film goes (default: out/<name>)', once)
  .option(
    '--stages <n>',
    "slices of the model, one worker and device each (default: the manifest's parallelism.gpus)",
    once,
  )
  .option('--model <folder>', 'the model, in the Diffusers layout (default: found by model.ref)', once)
  .option('--device <kind>', DEVICE, once)
  .option('--ignore-memory', IGNORE_MEMORY)
  .option('--noise <file>', 'start from the pool and permutations of a safetensors file instead of the seed', once)
  .option('--latents <file>', 'also write the clean latents (float32, concatenated in time) as safetensors', once)
  .option(
    '--text-cache <folder>',
    'keep the embeddings of prompts there for later films (default: DUALPARAL_TEXT_CACHE)',
    once,
  )
  .option('--overwrite', "replace a film of another spec, and files that are not ours, in the film's folder")
  .option('--fresh', 'begin anew where an interrupted run of the film could be gone on with')
  .option('--json', 'print progress records and the result as JSON lines')
  .action((options) => generateCommand(withPlainPaths(options)));

program
  .command('plan')
  .description('say what would run: latents, blocks, stages and bytes, before anything loads')
  .requiredOption('-f, --file <file>', 'a VideoGeneration manifest (YAML or JSON), or - for standard input', once)
  .option('--stages <n>', "slices of the model (default: the manifest's parallelism.gpus)", once)
  .option('--model <folder>', 'the model, in the Diffusers layout (default: found by model.ref)', once)
  .option('--device <kind>', DEVICE, once)
  .option('--ignore-memory', IGNORE_MEMORY)
  .option('--verbose', 'also say what other strides would cost and give')
  .option('--json', 'print the plan as JSON')
  .action((options) => planCommand(withPlainPaths(options)));

program
  .command('inspect <model>')
  .description('say what a model folder is, what it weighs and what it lacks, from its configs and headers alone')
  .option('--stages <n>', 'even slices of the model to give the bytes of (default: 1, 2, 4 and 8)', once)
  .option('--verify', "also read every file and compare it with the sums in the folder's sha256sums")
  .option('--json', 'print everything as JSON, every tensor name that is missing or too many included')
  .action((model, options) => inspectCommand(plainPath('the model', model), withPlainPaths(options)));

program
  .command('devices')
  .description('say which GPUs this machine has, which of them can be used, and why not; takes nothing of them')
  .option('--json', 'print everything as JSON')
  .action((options) => devicesCommand(options));

program
  .command('checkpoints <folder>')
  .description(
    'show what an interrupted film in this output folder would go on from, and whether every byte of it is right',
  )
  .option('--json', 'print everything as JSON')
  .action((folder, options) => checkpointsCommand(plainPath('the folder', folder), options));

program
  .command('run', { hidden: true })
  .description('make the film of a frozen job spec: what the operator starts in a pod')
  .requiredOption('--job <file>', 'the job spec (JSON)', once)
  .action((options) => runCommand(withPlainPaths(options)));

const asJson = process.argv.includes('--json');
try {
  if (process.argv.length <= 2) program.help({ error: true });
  await program.parseAsync();
} catch (error) {
  refuse(error, asJson);
}
// A reader may take its time, but not once somebody waits for the end.
await screenDrained(stopSignal());
const lost = outputFailure();
// A film that is made is a film without its lines, too.
if (lost !== undefined && !makesFilm(process.argv.slice(2))) reportFailure(cliError('E_CLI_OUTPUT', { reason: lost }));
process.exitCode ??= EXITS.success.code;
tellParent({ kind: 'over', exitCode: Number(process.exitCode) });
