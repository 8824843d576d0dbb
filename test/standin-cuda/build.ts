import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { cudaWheels } from '../../image/cuda-contents.ts';
import { libraryPath } from '../../runner/ort/library.ts';

/** ONNX Runtime's real CUDA provider, of the very build that npm installs here: the wheel that the CUDA image takes it from. */
const WHEEL = cudaWheels.find(({ name }) => name === 'onnxruntime-gpu')!;
const PYTHON = { python: '3.12', platform: 'manylinux_2_28_x86_64' } as const;
const PROVIDER = 'libonnxruntime_providers_cuda.so';

/** Libraries of CUDA, each with its sources and, where it has versioned names, whose. */
const LIBRARIES = [
  { file: 'libcudart.so.13', sources: ['runtime.c', 'memory.c'] },
  { file: 'libcublas.so.13', sources: ['blas.c'] },
  { file: 'libcublasLt.so.13', sources: ['blas.c'] },
  { file: 'libcudnn.so.9', sources: ['cudnn.c'] },
  { file: 'libcurand.so.10', sources: ['empty.c'] },
  { file: 'libcuda.so.1', sources: ['driver.c'] },
] as const;
const TOOLS = [
  ['cc', '--version'],
  ['nm', '--version'],
  ['python3', '-m', 'pip', '--version'],
] as const;
/** Names of a library's own that nothing else may see. */
const OWN_NAMES = ['alive', 'owner', 'current', 'number_for'];

/** Where a built stand-in lies: the runtime with its provider, and the folder of CUDA's libraries. */
export interface StandIn {
  readonly runtime: string;
  readonly cuda: string;
}

/** Variables for a process that is to compute on the stand-in, which writes down what it is asked for. */
export function standInEnvironment({ runtime, cuda }: StandIn, log: string): Readonly<Record<string, string>> {
  return {
    LD_LIBRARY_PATH: cuda,
    DUALPARAL_ORT_LIBRARY: runtime,
    STANDIN_CUDA_LOG: log,
    // The stand-in's cuDNN has no attention.
    ORT_ENABLE_CUDNN_FLASH_ATTENTION: '0',
  };
}

/** Why there is no stand-in here; undefined where there can be. `DUALPARAL_STANDIN_CUDA=off` does without, for who has no network. */
export function standInObstacle(): string | undefined {
  if (process.env.DUALPARAL_STANDIN_CUDA === 'off') return 'switched off by DUALPARAL_STANDIN_CUDA';
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'the provider is for x64 Linux';
  const missing = TOOLS.filter(([command, ...args]) => spawnSync(command, args).status !== 0);
  return missing.length === 0 ? undefined : `it needs ${missing.map((words) => words.join(' ')).join(', ')}`;
}

/**
 * Builds the stand-in, once per source: the provider is fetched from the package index that pip is configured with, 247 MB,
 * and kept under `~/.cache/dualparal`. Throws plain errors.
 */
export function buildStandIn(): StandIn {
  const source = join(import.meta.dirname, 'source');
  const texts = readdirSync(source)
    .sort()
    .map((name) => readFileSync(join(source, name)));
  const key = createHash('sha256')
    .update(Buffer.concat(texts))
    .update(readFileSync(import.meta.filename))
    .digest('hex');
  const cache = join(homedir(), '.cache/dualparal/standin-cuda');
  const runtime = join(cache, WHEEL.sha256.slice(0, 16));
  const cuda = join(cache, `cuda-${key.slice(0, 16)}`);
  if (!existsSync(runtime)) whole(runtime, fetchRuntime);
  if (!existsSync(cuda)) whole(cuda, (folder) => compileCuda(folder, source, join(runtime, PROVIDER)));
  return { runtime: join(runtime, 'libonnxruntime.so.1'), cuda };
}

/** Fills a folder that is there as a whole or not at all. Another process that is at it is waited for. */
function whole(folder: string, fill: (folder: string) => void): void {
  const partial = `${folder}.partial`;
  mkdirSync(dirname(folder), { recursive: true });
  while (!existsSync(folder)) {
    if (isAbandoned(partial)) rmSync(partial, { recursive: true, force: true });
    if (begins(partial)) {
      try {
        fill(partial);
        renameSync(partial, folder);
      } finally {
        rmSync(partial, { recursive: true, force: true });
      }
    } else sleep(LOOK_AGAIN_MILLISECONDS);
  }
}

const LOOK_AGAIN_MILLISECONDS = 500;
/** Nobody needs longer. */
const ABANDONED_MILLISECONDS = 600_000;

/** True for the one who makes the folder. */
function begins(folder: string): boolean {
  try {
    mkdirSync(folder);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function isAbandoned(folder: string): boolean {
  const stat = statSync(folder, { throwIfNoEntry: false });
  return stat !== undefined && Date.now() - stat.birthtimeMs > ABANDONED_MILLISECONDS;
}

function sleep(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

function fetchRuntime(folder: string): void {
  const { name, version, sha256, files } = WHEEL;
  const { python, platform } = PYTHON;
  const download = ['-m', 'pip', 'download', '-q', '--no-deps', '--only-binary=:all:', '-d', folder];
  execFileSync('python3', [...download, '--python-version', python, '--platform', platform, `${name}==${version}`]);
  const wheel = join(folder, readdirSync(folder).find((file) => file.endsWith('.whl'))!);
  const found = createHash('sha256').update(readFileSync(wheel)).digest('hex');
  if (found !== sha256) throw new Error(`${wheel} has sha256 ${found}, wanted ${sha256}`);
  const unpack =
    'import sys,zipfile,os\nw=zipfile.ZipFile(sys.argv[1])\nfor m in sys.argv[3:]: open(os.path.join(sys.argv[2],os.path.basename(m)),"wb").write(w.read(m))';
  execFileSync('python3', ['-c', unpack, wheel, folder, ...files]);
  rmSync(wheel);
  copyFileSync(libraryPath(), join(folder, 'libonnxruntime.so.1'));
}

/** Compiles every library, with a function that succeeds for each name that the provider needs and the sources do not have. */
function compileCuda(folder: string, source: string, provider: string): void {
  const symbols = execFileSync('nm', ['-D', '--undefined-only', provider], { encoding: 'utf8', maxBuffer: 2 ** 28 });
  writeFileSync(join(folder, 'empty.c'), 'int standin_nothing;\n');
  for (const { file, sources } of LIBRARIES) {
    const needed = [...symbols.matchAll(/ U (\w+)@(\S+)/g)]
      .filter((match) => match[2] === file)
      .map((match) => match[1]!);
    const stubs = needed.map((name) => `__attribute__((weak)) int ${name}() { return 0; }\n`);
    writeFileSync(join(folder, `${file}.c`), stubs.join(''));
    writeFileSync(join(folder, `${file}.map`), `${file} { global: *; local: ${OWN_NAMES.join('; ')}; };\n`);
    const from = sources.map((name) => join(name === 'empty.c' ? folder : source, name));
    const inputs = [
      ...from,
      join(folder, `${file}.c`),
      ...(file === 'libcudart.so.13' ? [] : [join(folder, 'libcudart.so.13')]),
    ];
    const options = [
      '-shared',
      '-fPIC',
      '-w',
      `-Wl,-soname,${file}`,
      `-Wl,--version-script=${join(folder, `${file}.map`)}`,
    ];
    execFileSync('cc', [...options, '-o', join(folder, file), ...inputs, '-Wl,--no-as-needed', '-lpthread']);
  }
}

if (import.meta.main) {
  const { runtime, cuda } = buildStandIn();
  process.stdout.write(`LD_LIBRARY_PATH=${cuda} DUALPARAL_ORT_LIBRARY=${runtime}\n`);
}
