import { createHash, randomBytes } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { CUDA_FOLDER, cudaWheels, RUNTIME_FOLDER, type Wheel } from '../../image/cuda-contents.ts';
import { type CudaFilesOptions, unpackCuda } from '../../image/cuda-files.ts';
import { fileDigest } from '../../image/oci-layout.ts';
import { libraryPath } from '../../runner/ort/library.ts';
import { ADDED } from '../torch/python.ts';

const RUNTIME = 'DUALPARAL_ORT_LIBRARY';

/** Where the runtime with its provider beside it lies, and the folder of CUDA's libraries. */
export interface CudaLibraries {
  readonly runtime: string;
  readonly cuda: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Whether a machine's own libraries are named, so that none are fetched. */
export function keptByHand(environment: Environment): boolean {
  return (environment[RUNTIME] ?? '') !== '';
}

/** Beside what the images are built from; `DUALPARAL_CUDA_CACHE` moves it. An absolute path, since films have working directories of their own. */
export function cudaCache(environment: Environment): string {
  return resolve(environment.DUALPARAL_CUDA_CACHE || join(homedir(), '.cache', 'dualparal', 'cuda'));
}

/** The same variables, with paths from this working directory as absolute ones: a part's film has another. */
export function absolutePaths(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const entries = Object.entries(environment).map(([name, value = '']) => {
    if (name === 'LD_LIBRARY_PATH') return [name, value.split(':').map(fromHere).join(':')];
    return [name, PROGRAMS.includes(name) && value.includes('/') ? resolve(value) : value];
  });
  return Object.fromEntries(entries);
}

/** A bare name of these is looked for in the system's own folders. */
const PROGRAMS = [RUNTIME, 'DUALPARAL_FFMPEG'];

/** An empty entry would be the working directory; in an empty list it is none. */
function fromHere(folder: string): string {
  return folder === '' ? folder : resolve(folder);
}

export interface FetchOptions extends Pick<CudaFilesOptions, 'wheels' | 'wheelFolder' | 'report'> {
  readonly cache: string;
  /** Of {@link partialFolder}, for who removes it where this process is ended meanwhile. */
  readonly partial?: string;
  readonly runtime?: string;
}

/**
 * The CUDA build's libraries, as the image has them: fetched once by pip, held to their pinned bytes, and kept in `cache`. Our own
 * runtime lies beside the provider, since it looks for it there. Throws the errors of the image's build.
 */
export async function fetchCuda(options: FetchOptions): Promise<CudaLibraries> {
  const { cache, wheels = cudaWheels, runtime = libraryPath(), wheelFolder, report } = options;
  const folder = join(cache, keyOf(wheels, await fileDigest(runtime)));
  if (!existsSync(folder)) {
    mkdirSync(cache, { recursive: true });
    clearAbandoned(cache);
    const { partial = partialFolder(cache) } = options;
    mkdirSync(partial);
    try {
      const files = {
        ...(wheelFolder === undefined ? {} : { wheelFolder }),
        ...(report === undefined ? {} : { report }),
      };
      await unpackCuda(partial, { wheels, runtime, staging: partial, ...files });
      copyFileSync(runtime, join(partial, RUNTIME_FOLDER, basename(runtime)));
      rename(partial, folder);
    } finally {
      rmSync(partial, { recursive: true, force: true });
    }
  }
  return { runtime: join(folder, RUNTIME_FOLDER, basename(runtime)), cuda: join(folder, CUDA_FOLDER) };
}

const PARTIAL = '.partial-';

/** A folder in the cache for what is not whole yet, which nobody else has. */
export function partialFolder(cache: string): string {
  return join(cache, `${PARTIAL}${randomBytes(6).toString('hex')}`);
}

const ABANDONED_MILLISECONDS = 3_600_000;

/** What another run was killed over: gigabytes. */
function clearAbandoned(cache: string): void {
  for (const name of readdirSync(cache).filter((each) => each.startsWith(PARTIAL))) {
    const { mtimeMs = Date.now() } = statSync(join(cache, name), { throwIfNoEntry: false }) ?? {};
    if (Date.now() - mtimeMs > ABANDONED_MILLISECONDS) rmSync(join(cache, name), { recursive: true, force: true });
  }
}

/** Another run may have been first, with the same bytes. */
function rename(partial: string, folder: string): void {
  try {
    renameSync(partial, folder);
  } catch (error) {
    if (!existsSync(folder)) throw error;
  }
}

function keyOf(wheels: readonly Wheel[], runtime: string): string {
  const pins = wheels.map(({ name, version, sha256, files }) => ({ name, version, sha256, files }));
  return createHash('sha256').update(JSON.stringify({ pins, runtime })).digest('hex').slice(0, 20);
}

/** Variables for processes that compute with these libraries. What is on the loader's path by hand comes first. */
export function cudaEnvironment({ runtime, cuda }: CudaLibraries, environment: Environment): Record<string, string> {
  const byHand = environment.LD_LIBRARY_PATH ?? '';
  const path = byHand === '' ? cuda : `${byHand}:${cuda}`;
  return { LD_LIBRARY_PATH: path, [RUNTIME]: runtime, [ADDED]: cuda };
}
