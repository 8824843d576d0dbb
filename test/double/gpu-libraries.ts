import { execFileSync, spawnSync } from 'node:child_process';
import { constants, copyFileSync, mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { libraryPath } from '../../runner/ort/library.ts';

/** Stand-ins for NVIDIA's libraries, built by the machine's C compiler; sources are in `gpu/`. */

/** A GPU as the stand-in driver shows it; `uuid` has 32 hexadecimal digits. */
export interface DoubleCuda {
  readonly uuid: string;
  readonly major?: number;
  readonly minor?: number;
  readonly mebibytes?: number;
  /** Digits of the devices that it reaches. */
  readonly peers?: string;
  readonly name?: string;
}

/** A GPU or slice as the stand-in NVML shows it; `uuid` as NVML writes it. */
export interface DoubleNvml {
  readonly uuid: string;
  readonly totalMebibytes?: number;
  readonly freeMebibytes?: number;
  readonly processes?: number;
  readonly name?: string;
}

/** A machine as both libraries show it. */
export interface DoubleMachine {
  readonly cuda: readonly DoubleCuda[];
  readonly cudaVersion?: number;
  readonly nvml: readonly DoubleNvml[];
  readonly slices?: readonly DoubleNvml[];
  /** Calls that fail, with their codes; `nvml…@0` fails for the first GPU of NVML alone. */
  readonly fail?: Readonly<Record<string, number>>;
}

/** Whether this machine can build them. */
export const canBuildLibraries = process.platform === 'linux' && spawnSync('cc', ['--version']).status === 0;

const CUDA_LIBRARIES = ['libcudart.so.13', 'libcublas.so.13', 'libcublasLt.so.13', 'libcurand.so.10', 'libcudnn.so.9'];
const RUNTIME = ['libonnxruntime.so.1', 'libonnxruntime_providers_shared.so', 'libonnxruntime_providers_cuda.so'];

/** Builds into `folder`: `driver/` and `nvml/` for LD_LIBRARY_PATH, `cuda/` (CUDA libraries that have next to nothing) and `runtime/` (an ONNX Runtime that has nothing behind its entry). */
export function buildGpuLibraries(folder: string): void {
  const source = join(import.meta.dirname, 'gpu');
  for (const part of ['driver', 'nvml', 'cuda', 'runtime']) mkdirSync(join(folder, part));
  const empty = join(folder, 'empty.c');
  writeFileSync(empty, 'int nothing;\n');
  compile(join(source, 'libcuda.c'), join(folder, 'driver/libcuda.so.1'));
  compile(join(source, 'libnvidia-ml.c'), join(folder, 'nvml/libnvidia-ml.so.1'));
  compile(empty, join(folder, 'empty.so'));
  for (const name of CUDA_LIBRARIES) copyFileSync(join(folder, 'empty.so'), join(folder, 'cuda', name));
  const current = join(folder, 'current.c');
  writeFileSync(current, 'int cudaSetDevice(int device) { return device < 0; }\n');
  compile(current, join(folder, 'cuda', CUDA_LIBRARIES[0]!));
  for (const name of RUNTIME) copyFileSync(join(folder, 'empty.so'), join(folder, 'runtime', name));
  const base = join(folder, 'base.c');
  writeFileSync(base, 'void *OrtGetApiBase(void) { return 0; }\n');
  compile(base, join(folder, 'runtime', RUNTIME[0]!));
}

/** What is wrong with the CUDA provider of {@link buildBrokenRuntime}. */
export const BREAKAGES = [
  'a text file',
  'a file cut off',
  'of another build',
  'another library',
  'without its other part',
] as const;

/** Builds ONNX Runtime, the one that is installed here, with a CUDA provider that is there and does not load; gives the runtime's path. */
export function buildBrokenRuntime(folder: string, breakage: (typeof BREAKAGES)[number]): string {
  mkdirSync(folder);
  const [runtime, shared, provider] = RUNTIME.map((name) => join(folder, name)) as [string, string, string];
  const build = (text: string, library: string) => {
    writeFileSync(join(folder, 'source.c'), text);
    compile(join(folder, 'source.c'), library);
  };
  copyFileSync(libraryPath(), runtime, constants.COPYFILE_FICLONE);
  build(
    'static void *host; void Provider_SetHost(void *to) { host = to; } void *Provider_GetHost(void) { return host; }',
    shared,
  );
  const whole = 'char data[1 << 20] = {1}; void *GetProvider(void) { return 0; }';
  if (breakage === 'of another build')
    build('void no_such_thing(void); void *GetProvider(void) { no_such_thing(); return 0; }', provider);
  else if (breakage === 'another library') build('int nothing;', provider);
  else build(whole, provider);
  if (breakage === 'a text file') writeFileSync(provider, '<html>not found</html>');
  if (breakage === 'a file cut off') truncateSync(provider, 2 ** 19);
  if (breakage === 'without its other part') writeFileSync(shared, 'x');
  return runtime;
}

function compile(source: string, library: string): void {
  execFileSync('cc', ['-shared', '-fPIC', '-Wall', '-Wextra', '-Werror', '-o', library, source]);
}

/** Variables that make the stand-ins show this machine. */
export function doubleEnvironment({ cuda, cudaVersion = 13_000, nvml, slices = [], fail = {} }: DoubleMachine) {
  const lines = (rows: readonly (readonly (string | number)[])[]) => rows.map((row) => `${row.join(' ')}\n`).join('');
  const nvmlRow = (device: DoubleNvml, cut: number) => {
    const { uuid, totalMebibytes = 81_559, freeMebibytes = 81_000, processes = 0, name = 'NVIDIA H100' } = device;
    return [uuid, totalMebibytes, freeMebibytes, processes, cut, name];
  };
  return {
    DOUBLE_CUDA: lines(
      cuda.map(({ uuid, major = 9, minor = 0, mebibytes = 81_000, peers = '-', name = 'NVIDIA H100' }) => {
        return [uuid, major, minor, mebibytes, peers, name];
      }),
    ),
    DOUBLE_CUDA_VERSION: String(cudaVersion),
    DOUBLE_DRIVER: '580.65.06',
    DOUBLE_NVML: lines(nvml.map((device) => nvmlRow(device, slices.length))),
    DOUBLE_NVML_SLICES: lines(slices.map((device) => nvmlRow(device, 0))),
    DOUBLE_FAIL: Object.entries(fail)
      .map(([call, code]) => `${call}=${code}`)
      .join(','),
  };
}
