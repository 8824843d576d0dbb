/** The image's upper layers: Node, the production dependencies, the program. */
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
import { join, relative } from 'node:path';
import { isLeftOut, prunedDependencies, sourceEntries } from './contents.ts';
import { packFolder, runToEnd } from './layer.ts';

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
  try {
    await fill(staging);
    const partial = `${staging}.tar`;
    await packFolder(staging, partial);
    renameSync(partial, output);
    return output;
  } finally {
    rmSync(staging, { recursive: true, force: true });
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

/** The production dependencies as the lock file pins them, without what only other machines would use. */
export function dependencyLayer(cache: string, report: (line: string) => void): Promise<string> {
  const inputs = ['package.json', 'package-lock.json', '.npmrc'].map((name) => join(repository, name));
  const key = shortHash([...inputs.map((path) => readFileSync(path)), JSON.stringify(prunedDependencies)]);
  return makeLayer(join(cache, `dependencies-${key}.tar`), async (root) => {
    report('installing the production dependencies');
    const app = join(root, 'app');
    mkdirSync(app, { recursive: true });
    for (const path of inputs) copyFileSync(path, join(app, relative(repository, path)));
    // The native parts of a dependency are optional packages of theirs, so optional ones are installed, then thinned out.
    const options = ['--omit=dev', '--ignore-scripts', '--no-audit', '--no-fund', '--os=linux', '--cpu=x64'];
    await runToEnd('npm', ['ci', '--prefix', app, ...options]);
    for (const path of prunedDependencies) rmSync(join(app, 'node_modules', path), { recursive: true, force: true });
    // It names the machine's installation, which nothing in the image uses.
    rmSync(join(app, 'node_modules', '.package-lock.json'), { force: true });
    for (const path of inputs) rmSync(join(app, relative(repository, path)));
  });
}

/** The program itself and its entry point, at `output`. Always made anew: it is small, and its sources change. */
export function programLayer(output: string): Promise<string> {
  return makeLayer(output, (root) => {
    for (const entry of sourceEntries) {
      cpSync(join(repository, entry), join(root, 'app', entry), {
        recursive: true,
        filter: (source) => !isLeftOut(relative(repository, source)),
      });
    }
    const programs = join(root, 'usr', 'local', 'bin');
    mkdirSync(programs, { recursive: true });
    copyFileSync(join(repository, 'image', 'dualparal'), join(programs, 'dualparal'));
    chmodSync(join(programs, 'dualparal'), 0o755);
  });
}
