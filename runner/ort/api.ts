import koffi from 'koffi';
import { ENTRY, libraryError, openLibrary } from './library.ts';
import { unbroken } from './unbroken.ts';

/** A native address or handle; 0n is null. */
export type Handle = bigint;
/** What may be given where C wants a pointer: an address, or memory that stays referenced during the call. */
type Pointer = Handle | ArrayBufferView | null;
/** An `OrtStatus *`: 0 is success. */
type Status = number | bigint;

/** Version of the C API's function table that the indices below are taken from; the table only ever grows at its end. */
const API_VERSION = 29;

/** Parameter letters: p pointer, s C string, i int32, u size_t. Every function below returns an `OrtStatus *`. */
const STATUS_FUNCTIONS = {
  createEnv: [3, 'isp'],
  createSessionFromArray: [8, 'ppupp'],
  run: [9, 'ppppupup'],
  createSessionOptions: [10, 'p'],
  cloneSessionOptions: [12, 'pp'],
  setSessionGraphOptimizationLevel: [23, 'pi'],
  setIntraOpNumThreads: [24, 'pi'],
  sessionGetInputCount: [30, 'pp'],
  sessionGetOutputCount: [31, 'pp'],
  sessionGetInputName: [36, 'pupp'],
  sessionGetOutputName: [37, 'pupp'],
  createRunOptions: [39, 'p'],
  runOptionsSetTerminate: [46, 'p'],
  createTensorAsOrtValue: [48, 'ppuip'],
  createTensorWithDataAsOrtValue: [49, 'ppupuip'],
  getTensorMutableData: [51, 'pp'],
  getTensorElementType: [60, 'pp'],
  getDimensionsCount: [61, 'pp'],
  getDimensions: [62, 'ppu'],
  getTensorTypeAndShape: [65, 'pp'],
  createMemoryInfo: [68, 'siiip'],
  allocatorFree: [76, 'pp'],
  getAllocatorWithDefaultOptions: [78, 'p'],
  addSessionConfigEntry: [130, 'pss'],
  createAllocator: [131, 'ppp'],
  runWithBinding: [133, 'ppp'],
  createIoBinding: [134, 'pp'],
  bindInput: [136, 'ppp'],
  bindOutput: [137, 'ppp'],
  addRunConfigEntry: [165, 'pss'],
  createArenaCfg: [164, 'ppup'],
  appendExecutionProviderCuda: [204, 'pp'],
  createCudaProviderOptions: [205, 'p'],
  updateCudaProviderOptions: [206, 'pppu'],
  createAndRegisterAllocator: [259, 'psppppu'],
  sessionOptionsSetLoadCancellationFlag: [293, 'pi'],
} as const satisfies Record<string, readonly [number, string]>;

/** Functions that return nothing, all of the form `void f(handle)`. */
const RELEASE_FUNCTIONS = {
  releaseStatus: 93,
  releaseMemoryInfo: 94,
  releaseSession: 95,
  releaseValue: 96,
  releaseTensorTypeAndShapeInfo: 99,
  releaseRunOptions: 97,
  releaseSessionOptions: 100,
  releaseAllocator: 132,
  releaseIoBinding: 135,
  releaseArenaCfg: 157,
  releaseCudaProviderOptions: 208,
} as const;

interface Parameters_ {
  p: Pointer;
  s: string;
  i: number;
  u: number;
}
type Arguments<S extends string> = S extends `${infer L extends keyof Parameters_}${infer Rest}`
  ? [Parameters_[L], ...Arguments<Rest>]
  : [];

/** The part of the runtime's C API that this program uses. Every call is synchronous, in the calling thread. */
export type Api = {
  readonly [F in keyof typeof STATUS_FUNCTIONS]: (...args: Arguments<(typeof STATUS_FUNCTIONS)[F][1]>) => Status;
} & {
  readonly [F in keyof typeof RELEASE_FUNCTIONS]: (handle: Handle) => void;
} & {
  readonly getErrorCode: (status: Handle) => number;
  readonly getErrorMessage: (status: Handle) => string;
};

const LETTERS = { p: 'void *', s: 'const char *', i: 'int32_t', u: 'size_t' } as const;
let bound: Api | undefined;

/** The function table, read once per thread. Throws `E_DEVICE_LIBRARY`. */
export function ortApi(): Api {
  bound ??= unbroken(bindApi);
  return bound;
}

function bindApi(): Api {
  const { handle, path } = openLibrary();
  const base = handle.func(ENTRY, 'void *', [])();
  if (base === null) throw libraryError(path, 'it has nothing behind its entry');
  const getApi = koffi.decode(BigInt(koffi.decode(base, 'uint64_t')), koffi.proto('uint64_t', ['uint32_t']));
  const table = BigInt(getApi(API_VERSION));
  if (table === 0n) throw libraryError(path, `it has no interface ${API_VERSION}: an older version`);
  const bind = (index: number, result: string, letters: string) => {
    const address = BigInt(koffi.decode(table, index * 8, 'uint64_t'));
    const parameters = [...letters].map((letter) => LETTERS[letter as keyof typeof LETTERS]);
    return koffi.decode(address, koffi.proto(result, parameters));
  };
  const api: Record<string, unknown> = {
    getErrorCode: bind(1, 'int32_t', 'p'),
    getErrorMessage: bind(2, 'const char *', 'p'),
  };
  for (const [name, [index, letters]] of Object.entries(STATUS_FUNCTIONS)) api[name] = bind(index, 'uint64_t', letters);
  for (const [name, index] of Object.entries(RELEASE_FUNCTIONS)) api[name] = bind(index, 'void', 'p');
  return api as Api;
}

/** The text at a C string's address. */
export function readCString(address: Handle): string {
  return koffi.decode.string(address);
}

/** First byte of a buffer, also of one over a SharedArrayBuffer. The caller keeps the buffer referenced. */
export function addressOf(view: ArrayBufferView): Handle {
  return koffi.address(view);
}

/** A copy of native memory. */
export function copyOf(address: Handle, byteLength: number): ArrayBuffer {
  return byteLength === 0 ? new ArrayBuffer(0) : unbroken(() => koffi.view(address, byteLength).slice(0));
}

/** Addresses of C strings; the second element is their memory, to be kept referenced during the call that reads them. */
export function cStrings(texts: readonly string[]): [BigUint64Array, readonly Buffer[]] {
  const buffers = texts.map((text) => Buffer.from(`${text}\0`));
  return [BigUint64Array.from(buffers, (buffer) => koffi.address(buffer)), buffers];
}
