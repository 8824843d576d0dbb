import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ProviderReading } from './gpu.ts';
import { libraryPath } from './library.ts';
import { openNative } from './native-library.ts';

/** The runtime's CUDA part: files of the same build, beside the runtime's library. */
const FILES = ['libonnxruntime_providers_shared.so', 'libonnxruntime_providers_cuda.so'];
/** CUDA 13 libraries that the CUDA part is linked to; the last one it opens itself, at the first convolution. */
const LIBRARIES = ['libcudart.so.13', 'libcublas.so.13', 'libcublasLt.so.13', 'libcurand.so.10', 'libcudnn.so.9'];

/** Looks for the runtime's CUDA provider and, where it is there, opens what it needs. */
export function readProvider(runtime: string = libraryPath()): ProviderReading {
  const files = FILES.map((name) => join(dirname(runtime), name)).filter((file) => !existsSync(file));
  if (files.length > 0) return { missing: files };
  return { missing: LIBRARIES.filter((name) => 'problem' in openNative(name)) };
}
