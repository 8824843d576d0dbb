/** An image's upper layers: Node, the npm packages, the CUDA libraries, the program. */
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { COMMAND, isLeftOut, type ProgramContents } from './contents.ts';
import { type CudaLayerOptions, fillCudaLayer } from './cuda-layer.ts';
import { packFolder, runToEnd } from './layer.ts';
import { prunePackages } from './prune-packages.ts';

const repository = join(import.meta.dirname, '..');

function shortHash(parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part).update('\0');
  return hash.digest('hex').slice(0, 20);
}

/** Fills a temporary folder and packs it as the layer at `output`, unless that is there already. */
async function makeLayer(output: string, fill: (root: string) => void | Promise<void>): Promise<string> {
  if (existsSync(output)) return output;
  const staging = mkdtempSync(`${output}.`);
  const partial = `${staging}.tar`;
  try {
    await fill(staging);
    await packFolder(staging, partial);
    renameSync(partial, output);
    return output;
  } finally {
    for (const path of [staging, partial]) rmSync(path, { recursive: true, force: true });
  }
}

/** Node's one binary, from the npm package that gives this repository its Node. */
export function nodeLayer(cache: string): Promise<string> {
  const manifest = join(repository, 'node_modules', 'node', 'package.json');
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
  return makeLayer(join(cache, `node-${version}.tar`), (root) => {
    const folder = join(root, 'usr', 'local', 'bin');
    mkdirSync(folder, { recursive: true });
    copyFileSync(realpathSync(join(repository, 'node_modules', 'node', 'bin', 'node')), join(folder, 'node'));
    chmodSync(join(folder, 'node'), 0o755);
  });
}

export interface PackageLayerOptions {
  readonly cache: string;
  readonly contents: ProgramContents;
  readonly report: (line: string) => void;
}

/** The npm packages that a program needs, as the lock file pins them. */
export function packageLayer({ cache, contents, report }: PackageLayerOptions): Promise<string> {
  const inputs = ['package.json', 'package-lock.json', '.npmrc'].map((name) => join(repository, name));
  const { npmPackages, npmFilesOnly, pruned } = contents;
  const rules = ['prune-packages', 'npm-packages', 'contents'].map((name) => join(import.meta.dirname, `${name}.ts`));
  const choice = JSON.stringify({ npmPackages, npmFilesOnly, pruned });
  const key = shortHash([...[...inputs, ...rules].map((path) => readFileSync(path)), choice]);
  return makeLayer(join(cache, `packages-${key}.tar`), async (root) => {
    report('installing npm packages');
    const app = join(root, 'app');
    mkdirSync(app, { recursive: true });
    for (const path of inputs) copyFileSync(path, join(app, relative(repository, path)));
    // The native parts of a package are optional packages of theirs, so optional ones are installed, then thinned out.
    const options = ['--omit=dev', '--ignore-scripts', '--no-audit', '--no-fund', '--os=linux', '--cpu=x64'];
    await runToEnd('npm', ['ci', '--prefix', app, ...options]);
    prunePackages(app, contents);
    for (const path of inputs) rmSync(join(app, relative(repository, path)));
  });
}

/** The CUDA build's provider and libraries, at `output`. Never kept: it is large, and pip keeps what it fetches. */
export function cudaLayer(output: string, options: CudaLayerOptions): Promise<string> {
  return makeLayer(output, (root) => fillCudaLayer(root, options));
}

/** The program itself and its entry point, at `output`. Always made anew: it is small, and its sources change. */
export function programLayer(output: string, { sources, entry: [program] }: ProgramContents): Promise<string> {
  return makeLayer(output, (root) => {
    for (const entry of sources) {
      cpSync(join(repository, entry), join(root, 'app', entry), {
        recursive: true,
        filter: (source) => !isLeftOut(relative(repository, source)),
      });
    }
    if (program !== COMMAND) return;
    mkdirSync(dirname(join(root, COMMAND)), { recursive: true });
    copyFileSync(join(repository, 'image', 'dualparal'), join(root, COMMAND));
    chmodSync(join(root, COMMAND), 0o755);
  });
}
