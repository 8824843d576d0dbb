/**
 * The CUDA build's own files: `node image/cuda-layer.ts FOLDER [--wheels FOLDER] [--system FOLDER]` puts them into FOLDER
 * as they lie in the image, for `Containerfile`; `build.ts` makes a layer of them.
 */
import { globSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { requireFile, runAsProgram } from './command.ts';
import { fromDriver, openedWhileRunning, RUNTIME_FOLDER } from './cuda-contents.ts';
import { type CudaFilesOptions, unpackCuda } from './cuda-files.ts';
import { readSharedLibrary } from './elf.ts';
import { imageError } from './errors.ts';
import { type LibraryNeeds, missingLibraries, missingText, systemLibraries } from './needed-libraries.ts';
import { withFile } from './random-access.ts';
import { layerWords } from './words.ts';

export interface CudaLayerOptions extends CudaFilesOptions {
  /** Names of the libraries in the layers below. */
  readonly system: ReadonlySet<string>;
}

const RUNTIME = 'libonnxruntime.so.1';

/**
 * Fills `root`, an empty folder, and checks it: the provider must be of the runtime's build (`E_IMAGE_BUILD`), and every
 * library that anything in it needs must be there or in the layers below (`E_IMAGE_LIBRARY`).
 */
export async function fillCudaLayer(root: string, options: CudaLayerOptions): Promise<void> {
  await unpackCuda(root, options);
  const files = globSync('**/*.so{,.*}', { cwd: root }).map((path) => join(root, path));
  await requireLibraries([options.runtime, ...files], options.system);
}

async function requireLibraries(files: readonly string[], system: ReadonlySet<string>): Promise<void> {
  const needs: LibraryNeeds[] = Object.entries(openedWhileRunning).map(([file, needed]) => ({ file, needed }));
  for (const file of files) {
    const library = await withFile(file, readSharedLibrary);
    if (library === undefined) throw imageError('E_IMAGE_NOT_A_LIBRARY', { file: basename(file) });
    needs.push({ file: basename(file), needed: library.needed });
  }
  const present = new Set([...system, ...fromDriver, ...files.map((file) => basename(file))]);
  const missing = missingLibraries(needs, present);
  if (missing.length > 0) throw imageError('E_IMAGE_LIBRARY', { missing: missingText(missing) });
}

/** Names of the libraries in the system's folders of a file system. */
function librariesOf(root: string): ReadonlySet<string> {
  const folders = ['/lib', '/lib64', '/lib/x86_64-linux-gnu', '/usr/lib', '/usr/lib64', '/usr/lib/x86_64-linux-gnu'];
  const names = (folder: string) => {
    try {
      return readdirSync(join(root, folder)).map((name) => `${folder}/${name}`);
    } catch {
      return [];
    }
  };
  return systemLibraries(folders.flatMap(names));
}

await runAsProgram(import.meta, async (args) => {
  const { root, wheels, system } = layerWords(args);
  requireFile(system, 'the runner’s image', join(RUNTIME_FOLDER, RUNTIME));
  await fillCudaLayer(root, {
    ...(wheels === undefined ? {} : { wheelFolder: wheels }),
    runtime: join(system, RUNTIME_FOLDER, RUNTIME),
    system: librariesOf(system),
    report: (line) => process.stderr.write(`${line}\n`),
  });
});
