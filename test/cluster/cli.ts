/** `npm run cluster -- …`: the test bed's Kubernetes for a person. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, watchFile } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { exitCodeOf, toErrorRecord } from '#contract/error.ts';
import { type Cluster, defaultName, findCluster, startCluster, stopCluster } from './cluster.ts';
import { componentNames } from './component.ts';
import { clusterError } from './errors.ts';
import { clusterFolder } from './layout.ts';
import { clusterNames } from './state.ts';
import { clusterStatus, renderStatus } from './status.ts';

const help = `A real Kubernetes on this machine, with stand-in GPUs. Linux, root, Go and Debian packages are needed.

Usage: npm run cluster -- COMMAND [--name NAME]

  up [--gpus N]         start it (the first time builds Kubernetes: about ten minutes), or do nothing if it is up
  down                  stop it and remove everything of it, also what a crash left
  status [--json]       what runs, where, and how much memory it holds
  logs [COMPONENT]      the log of one component, or the last lines of all; -f follows
  load FILE.tar         import an image (OCI layout tar) for pods that say imagePullPolicy: Never
  kubectl ARGUMENTS…    run kubectl against it; everything after the word goes to kubectl as it is

Components: ${componentNames.join(', ')}
Exit codes: 0 done; 1 unexpected failure; 2 wrong command line, or no such cluster; 60 this machine cannot run it; kubectl's own.
`;

interface Options {
  readonly name: string;
  readonly gpus: number;
  readonly json: boolean;
  readonly follow: boolean;
  readonly rest: readonly string[];
}

function parseOptions(args: readonly string[]): Options {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        name: { type: 'string', default: defaultName },
        gpus: { type: 'string', default: '8' },
        json: { type: 'boolean', default: false },
        follow: { type: 'boolean', short: 'f', default: false },
      },
    });
    const gpus = Number(values.gpus);
    if (!Number.isInteger(gpus) || gpus < 0 || gpus > 1024) {
      throw clusterError('E_CLUSTER_USAGE', {
        detail: `--gpus takes a whole number from 0 to 1024, not '${values.gpus}'`,
      });
    }
    clusterFolder(values.name);
    return { name: values.name, gpus, json: values.json, follow: values.follow, rest: positionals };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS') !== true) throw error;
    throw clusterError('E_CLUSTER_USAGE', { detail: (error as Error).message });
  }
}

function requireCluster(name: string): Cluster {
  const cluster = findCluster(name);
  if (cluster === null) throw clusterError('E_CLUSTER_DOWN', { name });
  return cluster;
}

async function up(options: Options): Promise<number> {
  const begun = performance.now();
  const report = (line: string) => process.stderr.write(`${line}\n`);
  const cluster = await startCluster({ name: options.name, gpus: options.gpus, owned: false, report });
  report(`cluster ${cluster.name} is up (${((performance.now() - begun) / 1000).toFixed(1)} s)`);
  process.stdout.write(`export KUBECONFIG=${cluster.kubeconfig}\n`);
  return 0;
}

async function down(options: Options): Promise<number> {
  await stopCluster(options.name);
  process.stderr.write(`cluster ${options.name} is down\n`);
  return 0;
}

async function status(options: Options): Promise<number> {
  const found = await clusterStatus(options.name);
  if (options.json) process.stdout.write(`${JSON.stringify(found)}\n`);
  else process.stdout.write(renderStatus(found, clusterNames()));
  return found.up ? 0 : 2;
}

/** Prints a log file from an offset on and returns its new end. */
function printFrom(file: string, offset: number): number {
  const bytes = readFileSync(file);
  process.stdout.write(bytes.subarray(Math.min(offset, bytes.length)));
  return bytes.length;
}

function logs(options: Options): number | null {
  const folder = join(clusterFolder(options.name), 'logs');
  const fileOf = (component: string) => join(folder, `${component}.log`);
  const [component] = options.rest;
  if (!existsSync(folder)) throw clusterError('E_CLUSTER_DOWN', { name: options.name });
  if (component === undefined) {
    for (const name of componentNames) {
      if (!existsSync(fileOf(name))) continue;
      const lines = readFileSync(fileOf(name), 'utf8').trimEnd().split('\n').slice(-10);
      process.stdout.write(`== ${name}\n${lines.join('\n')}\n`);
    }
    return 0;
  }
  if (!existsSync(fileOf(component))) {
    throw clusterError('E_CLUSTER_USAGE', {
      detail: `there is no log of '${component}'; have: ${componentNames.join(', ')}`,
    });
  }
  let end = printFrom(fileOf(component), 0);
  if (!options.follow) return 0;
  watchFile(fileOf(component), { interval: 300 }, () => {
    end = printFrom(fileOf(component), end);
  });
  return null;
}

async function load(options: Options): Promise<number> {
  const [file] = options.rest;
  if (file === undefined || !existsSync(file)) {
    throw clusterError('E_CLUSTER_USAGE', { detail: `load takes an existing tar file, not '${file ?? ''}'` });
  }
  await requireCluster(options.name).importImage(file);
  return 0;
}

function kubectl(name: string, args: readonly string[]): number {
  const cluster = requireCluster(name);
  const run = spawnSync(cluster.kubectlPath, args, {
    stdio: 'inherit',
    env: { ...process.env, KUBECONFIG: cluster.kubeconfig },
  });
  if (run.error !== undefined) throw run.error;
  return run.status ?? 1;
}

/** Runs one command line; null means that the command goes on until it is interrupted. */
export async function main(args: readonly string[]): Promise<number | null> {
  const verb = args.find((word) => !word.startsWith('-')) ?? '';
  const place = args.indexOf('kubectl');
  if (place >= 0 && (place === 0 || args[0] === '--name' || args[0]?.startsWith('--name=') === true)) {
    return kubectl(parseOptions(args.slice(0, place)).name, args.slice(place + 1));
  }
  if (verb === '' || verb === 'help' || args.includes('--help') || args.includes('-h')) {
    process.stdout.write(help);
    return args.length === 0 ? 2 : 0;
  }
  const { rest, ...options } = parseOptions(args);
  const [command = '', ...operands] = rest;
  const commands: Record<string, (options: Options) => number | null | Promise<number | null>> = {
    up,
    down,
    status,
    logs,
    load,
  };
  const run = commands[command];
  if (run === undefined) throw clusterError('E_CLUSTER_USAGE', { detail: `there is no command '${command}'` });
  return run({ ...options, rest: operands });
}

try {
  const code = await main(process.argv.slice(2));
  if (code !== null) process.exitCode = code;
} catch (error) {
  const { code, message } = toErrorRecord(error);
  process.stderr.write(`${code}: ${message}\n`);
  process.exitCode = exitCodeOf(error);
}
