/**
 * Builds the Go commands of the test bed into a cache outside the work tree. One command at a time, each moved into
 * place when it is whole: an interrupted build goes on where it stopped, and two builders never do the same work.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { clusterError } from './errors.ts';
import { withLock } from './lock.ts';
import {
  buildArguments,
  buildEnvironment,
  type GoCommand,
  type GoModule,
  goModules,
  moduleKey,
  readSources,
} from './modules.ts';

export interface Go {
  readonly version: string;
  /** `GOOS/GOARCH`. */
  readonly platform: string;
}

/** Folder of all cached results; `DUALPARAL_CLUSTER_CACHE` moves it. */
export function cacheFolder(): string {
  return process.env.DUALPARAL_CLUSTER_CACHE ?? join(homedir(), '.cache', 'dualparal', 'cluster');
}

/** The Go on the PATH, or null where there is none. */
export function findGo(): Go | null {
  const answer = spawnSync('go', ['env', 'GOVERSION', 'GOOS', 'GOARCH'], {
    encoding: 'utf8',
    cwd: join(import.meta.dirname, 'modules', 'stand-in'),
  });
  if (answer.error !== undefined || answer.status !== 0) return null;
  const [version = '', os = '', architecture = ''] = answer.stdout.trim().split('\n');
  return { version, platform: `${os}/${architecture}` };
}

function binaryFolder(module: GoModule, go: Go): string {
  const sources = readSources(join(import.meta.dirname, 'modules', module.name));
  return join(cacheFolder(), 'bin', moduleKey(module, go.version, go.platform, sources));
}

/** Path of each command by its name, whether it is built yet or not. */
export function binaryPaths(go: Go): Record<string, string> {
  const paths: Record<string, string> = {};
  for (const module of goModules) {
    const folder = binaryFolder(module, go);
    for (const command of module.commands) paths[command.binary] = join(folder, command.binary);
  }
  return paths;
}

function runGo(binary: string, args: readonly string[], folder: string, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const child: ChildProcess = spawn('go', args, {
      cwd: folder,
      env: { ...process.env, ...buildEnvironment },
      stdio: ['ignore', 'ignore', 'pipe'],
      ...(signal ? { signal } : {}),
    });
    let tail = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      tail = (tail + text).slice(-4000);
    });
    child.on('error', reject);
    child.on('close', (code) =>
      code === 0 ? resolve() : reject(clusterError('E_CLUSTER_BUILD', { binary, tail: tail.trim() })),
    );
  });
}

async function buildCommand(module: GoModule, command: GoCommand, folder: string, signal?: AbortSignal) {
  const partial = join(folder, `.${command.binary}.${process.pid}`);
  const moduleFolder = join(import.meta.dirname, 'modules', module.name);
  try {
    await runGo(command.binary, [...buildArguments(module), '-o', partial, command.package], moduleFolder, signal);
    renameSync(partial, join(folder, command.binary));
  } finally {
    rmSync(partial, { force: true });
  }
}

/**
 * Builds what the cache lacks and returns the path of each command by its name.
 * Cold on two cores this takes about 17 minutes, 1 GB of modules and 3 GB of Go's own build cache.
 */
export async function buildBinaries(
  go: Go,
  report: (line: string) => void,
  signal?: AbortSignal,
): Promise<Record<string, string>> {
  for (const module of goModules) {
    const folder = binaryFolder(module, go);
    const lacking = () => module.commands.filter((command) => !existsSync(join(folder, command.binary)));
    if (lacking().length === 0) continue;
    mkdirSync(folder, { recursive: true });
    const lockFile = join(folder, '.lock');
    const wait = (owner: number) => report(`waiting for process ${owner}, which is building the same`);
    await withLock(lockFile, wait, async () => {
      for (const command of lacking()) {
        report(`building ${command.binary}`);
        const begun = performance.now();
        await buildCommand(module, command, folder, signal);
        report(`built ${command.binary} in ${Math.round((performance.now() - begun) / 1000)} s`);
      }
    });
  }
  return binaryPaths(go);
}
