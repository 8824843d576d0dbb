/**
 * Builds the release image's file system on this machine, without a registry of images or a build daemon, and packs it
 * as an OCI layout tar: `node image/build.ts [--name NAME] [--output FILE] [--fresh] [--json]`.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { exitCodeOf, toErrorRecord } from '#contract/error.ts';
import { dependencyLayer, nodeLayer, programLayer } from './app-layers.ts';
import { baseLayer } from './base-layer.ts';
import { imageCache } from './cache.ts';
import { forbiddenPrograms, imageSettings } from './contents.ts';
import { imageError } from './errors.ts';
import { writeOciImage } from './oci-layout.ts';

export interface BuildOptions {
  /** Full name with tag. Default `localhost/dualparal:dev`. */
  readonly name?: string;
  /** Where the OCI layout tar goes. Default: in the cache. */
  readonly output?: string;
  /** Make the base from Debian's latest packages instead of the cached one. */
  readonly fresh?: boolean;
  readonly report?: (line: string) => void;
}

export interface BuiltImage {
  readonly name: string;
  readonly tarFile: string;
  /** Digest of the manifest, with its `sha256:`. */
  readonly digest: string;
}

export const defaultImageName = 'localhost/dualparal:dev';

/** Programs among the paths of a layer that the image must not have. */
export function findForbidden(paths: readonly string[]): string[] {
  return paths.filter((path) => {
    const match = /(?:^|\/)s?bin\/([^/]+)$/.exec(path);
    return match !== null && !path.includes('/node_modules/') && forbiddenPrograms.test(match[1] ?? '');
  });
}

function requireClean(layer: string): void {
  const list = spawnSync('tar', ['--list', '--file', layer], { encoding: 'utf8', maxBuffer: 1 << 28 });
  const found = findForbidden(list.stdout.split('\n'));
  if (found.length > 0) throw imageError('E_IMAGE_FORBIDDEN', { found: found.join(' ') });
}

/** Builds the image; the base and the dependencies come from the cache if nothing that they depend on has changed. */
export async function buildImage(options: BuildOptions = {}): Promise<BuiltImage> {
  const { name = defaultImageName, fresh = false, report = () => {} } = options;
  const cache = imageCache();
  const output = options.output ?? join(cache, 'dualparal.tar');
  const staging = mkdtempSync(join(cache, '.build-'));
  try {
    const layers = [
      await baseLayer(cache, fresh, report),
      await nodeLayer(cache),
      await dependencyLayer(cache, report),
      await programLayer(join(staging, 'program.tar')),
    ];
    for (const layer of layers) requireClean(layer);
    report('writing the image');
    const digest = await writeOciImage({ name, layers, settings: imageSettings }, output);
    return { name, tarFile: output, digest };
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

async function main(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      name: { type: 'string' },
      output: { type: 'string', short: 'o' },
      fresh: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  });
  const { json, ...options } = values;
  const image = await buildImage({ ...options, report: (line) => process.stderr.write(`${line}\n`) });
  process.stdout.write(json ? `${JSON.stringify(image)}\n` : `${image.name} ${image.digest}\n${image.tarFile}\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await main(process.argv.slice(2));
  } catch (error) {
    const { code, message } = toErrorRecord(error);
    process.stderr.write(`${code}: ${message}\n`);
    process.exitCode = exitCodeOf(error);
  }
}
