import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, CommanderError } from 'commander';
import { exitCodeOf, toErrorRecord } from '#contract/error.ts';
import { EXITS } from '#contract/exit.ts';
import { generateCommand } from './generate.ts';
import { inspectCommand } from './inspect.ts';
import { planCommand } from './plan.ts';
import { runCommand } from './run.ts';

/** Every verb's last duty: print one line that names the code, or the record as JSON, and set the exit code. */
function reportFailure(error: unknown, asJson: boolean): void {
  if (error instanceof CommanderError) {
    if (error.exitCode !== 0) process.exitCode = EXITS.usage.code;
    return;
  }
  const record = toErrorRecord(error);
  if (asJson) console.log(JSON.stringify({ outcome: 'failed', error: record }));
  console.error(`${record.code}: ${record.message}`);
  if (record.exit === 'internal' && error instanceof Error && process.env.DUALPARAL_DEBUG) console.error(error.stack);
  process.exitCode = exitCodeOf(error);
}

function exitTable(): string {
  const rows = Object.values(EXITS).map(({ code, meaning }) => `  ${String(code).padStart(3)}  ${meaning}`);
  return `\nExit codes:\n${rows.join('\n')}\n\nSet DUALPARAL_DEBUG=1 to see the stack of an unexpected failure.`;
}

const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')) as {
  version: string;
};

const program = new Command('dualparal')
  .version(version)
  .description('Makes long films with Wan models, block by block, on as many devices as you give it.')
  .addHelpText('after', exitTable())
  .exitOverride()
  .configureOutput({ outputError: (text, write) => write(`E_CLI_USAGE: ${text.replace(/^error: /, '')}`) })
  .showHelpAfterError('see dualparal --help');

program
  .command('generate')
  .description('make the film that a manifest describes, on this machine')
  .requiredOption('-f, --file <file>', 'a VideoGeneration manifest (YAML or JSON), or - for standard input')
  .option('-o, --output <folder>', 'where the film goes (default: out/<name>)')
  .option('--stages <n>', "slices of the model, one worker and device each (default: the manifest's parallelism.gpus)")
  .option('--model <folder>', 'the model, in the Diffusers layout (default: found by model.ref)')
  .option('--noise <file>', 'start from the pool and permutations of a safetensors file instead of the seed')
  .option('--latents <file>', 'also write the clean latents (float32, concatenated in time) as safetensors')
  .option(
    '--text-cache <folder>',
    'keep the embeddings of prompts there for later films (default: DUALPARAL_TEXT_CACHE)',
  )
  .option('--json', 'print progress records and the result as JSON lines')
  .action((options) => generateCommand(options));

program
  .command('plan')
  .description('say what would run: latents, blocks, stages and bytes, before anything loads')
  .requiredOption('-f, --file <file>', 'a VideoGeneration manifest (YAML or JSON), or - for standard input')
  .option('--stages <n>', "slices of the model (default: the manifest's parallelism.gpus)")
  .option('--model <folder>', 'the model, in the Diffusers layout (default: found by model.ref)')
  .option('--json', 'print the plan as JSON')
  .action((options) => planCommand(options));

program
  .command('inspect <model>')
  .description('say what a model folder is, what it weighs and what it lacks, from its configs and headers alone')
  .option('--stages <n>', 'slices of the model to give the bytes of (default: 1, 2, 4 and 8)')
  .option('--verify', "also read every file and compare it with the sums in the folder's sha256sums")
  .option('--json', 'print everything as JSON, every tensor name that is missing or too many included')
  .action((model, options) => inspectCommand(model, options));

program
  .command('run', { hidden: true })
  .description('make the film of a frozen job spec: what the operator starts in a pod')
  .requiredOption('--job <file>', 'the job spec (JSON)')
  .action((options) => runCommand(options));

const asJson = process.argv.includes('--json');
try {
  if (process.argv.length <= 2) program.help({ error: true });
  await program.parseAsync();
} catch (error) {
  reportFailure(error, asJson);
}
if (process.exitCode === undefined) process.exitCode = EXITS.success.code;
