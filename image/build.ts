/**
 * Builds an image's file system on this machine, without a registry of images or a build daemon, and packs it as an OCI
 * layout tar: `node image/build.ts operator|runner|runner-cuda [--name NAME] [--output FILE] [--fresh] [--wheels FOLDER] [--json]`.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { cudaLayer, nodeLayer, packageLayer, programLayer } from './app-layers.ts';
import { baseLayer } from './base-layer.ts';
import { imageCache } from './cache.ts';
import { runAsProgram } from './command.ts';
import { contentsOf, forbiddenPrograms, type ImageName, settingsOf } from './contents.ts';
import { imageError } from './errors.ts';
import { systemLibraries } from './needed-libraries.ts';
import { writeOciImage } from './oci-layout.ts';
import { outputFile } from './output-file.ts';
import { buildWords } from './words.ts';

export interface BuildOptions {
  readonly image: ImageName;
  /** Full name with tag. Default: `localhost/dualparal-operator:dev`, `localhost/dualparal-runner:dev` or `…:dev-cuda`. */
  readonly name?: string;
  /** Where the OCI layout tar goes. Default: in the cache. */
  readonly output?: string;
  /** Make the base from Debian's latest packages instead of the cached one. */
  readonly fresh?: boolean;
  /** Folder with the wheels of the CUDA build. Default: pip fetches them. */
  readonly wheels?: string;
  readonly report?: (line: string) => void;
}

export interface BuiltImage {
  readonly name: string;
  readonly tarFile: string;
  /** Digest of the manifest, with its `sha256:`. */
  readonly digest: string;
  /** Lowest first. */
  readonly layers: readonly { readonly part: string; readonly bytes: number }[];
}

const DEFAULT_NAMES: Readonly<Record<ImageName, string>> = {
  operator: 'localhost/dualparal-operator:dev',
  runner: 'localhost/dualparal-runner:dev',
  'runner-cuda': 'localhost/dualparal-runner:dev-cuda',
};

const RUNTIME = join(import.meta.dirname, '../node_modules/onnxruntime-node/bin/napi-v6/linux/x64/libonnxruntime.so.1');

/** Programs among the paths of a layer that the image must not have. */
export function findForbidden(paths: readonly string[]): string[] {
  return paths.filter((path) => {
    const match = /(?:^|\/)s?bin\/([^/]+)$/.exec(path);
    return match !== null && !path.includes('/node_modules/') && forbiddenPrograms.test(match[1] ?? '');
  });
}

function pathsIn(layer: string): string[] {
  const list = spawnSync('tar', ['--list', '--file', layer], { encoding: 'utf8', maxBuffer: 1 << 28 });
  return list.stdout.split('\n');
}

/** Builds the image; base and npm packages come from the cache if nothing that they depend on has changed. */
export async function buildImage(options: BuildOptions): Promise<BuiltImage> {
  const { image, name = DEFAULT_NAMES[image], fresh = false, report = () => {} } = options;
  const cache = imageCache();
  const contents = contentsOf(image);
  const { wheels } = options;
  if (wheels !== undefined && statSync(wheels, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw imageError('E_IMAGE_USAGE', { detail: `${wheels} is no folder of wheels` });
  }
  const output = outputFile(options.output ?? join(cache, `${image}.tar`));
  const staging = mkdtempSync(join(cache, '.build-'));
  try {
    const layers: (readonly [part: string, file: string])[] = [
      ['base', await baseLayer({ cache, packages: contents.debianPackages, fresh, report })],
      ['node', await nodeLayer(cache)],
    ];
    if (image === 'runner-cuda') {
      const system = systemLibraries(layers.flatMap(([, file]) => pathsIn(file)));
      const cuda = { runtime: RUNTIME, system, report, ...(wheels === undefined ? {} : { wheelFolder: wheels }) };
      layers.push(['cuda', await cudaLayer(join(staging, 'cuda.tar'), cuda)]);
    }
    layers.push(['packages', await packageLayer({ cache, contents, report })]);
    layers.push(['program', await programLayer(join(staging, 'program.tar'), contents)]);
    const files = layers.map(([, file]) => file);
    const found = findForbidden(files.flatMap(pathsIn));
    if (found.length > 0) throw imageError('E_IMAGE_FORBIDDEN', { found: found.join(' ') });
    report('writing the image');
    const digest = await writeOciImage({ name, layers: files, settings: settingsOf(image) }, output);
    const sizes = layers.map(([part, file]) => ({ part, bytes: statSync(file).size }));
    return { name, tarFile: output, digest, layers: sizes };
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

await runAsProgram(import.meta, async (args) => {
  const { json, ...options } = buildWords(args);
  const report = (line: string) => process.stderr.write(`${line}\n`);
  const image = await buildImage({ ...options, report });
  const sizes = image.layers.map(({ part, bytes }) => `${part} ${Math.round(bytes / 1e6)} MB`).join(', ');
  const text = `${image.name} ${image.digest}\n${image.tarFile} (${sizes})\n`;
  process.stdout.write(json ? `${JSON.stringify(image)}\n` : text);
});
