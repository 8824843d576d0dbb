import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { cudaWheels, type Wheel } from '../../image/cuda-contents.ts';
import { sharedLibrary } from './shared-library.ts';
import { zipArchive } from './zip-archive.ts';

/** What a library of the runtime says of its build. */
export const buildInfo = (commit: string) =>
  `ORT Build Info: git-branch=HEAD, git-commit-id=${commit}, build type=Release`;

/** The library that says which build the provider is of. */
export const WITNESS = 'libonnxruntime.so.1.30.0';

/** What the provider's wheel holds as it. */
export const provider = sharedLibrary({ needed: ['libcudart.so.13', 'libcuda.so.1', 'libc.so.6'] });

/** The image's wheels with small libraries of the names that the real ones have, in `folder`; `changes`: other bytes for some of them. */
export function smallWheels(folder: string, changes: Readonly<Record<string, Buffer>> = {}): Wheel[] {
  const witness = sharedLibrary({ text: buildInfo('f2c39fe2f') });
  const all: Readonly<Record<string, Buffer>> = { [WITNESS]: witness, ...changes };
  return cudaWheels.map((wheel) => {
    const bytesOf = (path: string) => {
      const name = basename(path);
      const usual = name.endsWith('_cuda.so') ? provider : sharedLibrary({ needed: ['libz.so.1'] });
      return [path, all[name] ?? (wheel.licences.includes(path) ? Buffer.from('a licence') : usual)] as const;
    };
    const paths = [
      ...wheel.files,
      ...wheel.licences,
      'python.py',
      ...(wheel.witness === undefined ? [] : [wheel.witness]),
    ];
    const bytes = zipArchive(Object.fromEntries(paths.map(bytesOf)));
    writeFileSync(join(folder, `${wheel.name}.whl`), bytes);
    return { ...wheel, sha256: createHash('sha256').update(bytes).digest('hex') };
  });
}
