/** The provider and CUDA's libraries out of their wheels: for the image's layer, and for the proof on a card (`npm run gpu`). */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cudaWheels, type Wheel } from './cuda-contents.ts';
import { imageError } from './errors.ts';
import { runtimeBuild } from './runtime-build.ts';
import { fetchWheels, findWheels, unpackWheels } from './wheels.ts';
import { unzip } from './zip.ts';

export interface CudaFilesOptions {
  readonly wheels?: readonly Wheel[];
  /** Folder that holds the wheels already. Default: pip fetches them. */
  readonly wheelFolder?: string;
  /** Folder for what is fetched, for a moment. Default: the system's. */
  readonly staging?: string;
  /** ONNX Runtime's library, beside which the provider is to lie. */
  readonly runtime: string;
  readonly report?: (line: string) => void;
}

/**
 * Unpacks what is wanted of the wheels, each held to its pinned bytes, into `root` as it lies in the image. Throws `E_IMAGE_BUILD`
 * where the provider is not of the runtime's build.
 */
export async function unpackCuda(root: string, options: CudaFilesOptions): Promise<void> {
  const { wheels = cudaWheels, runtime, report = () => {} } = options;
  const staging = mkdtempSync(join(options.staging ?? tmpdir(), 'dualparal-wheels-'));
  try {
    const folder = options.wheelFolder ?? staging;
    // One after the other, so that there is something to say in the minutes that it takes.
    for (const [at, wheel] of options.wheelFolder === undefined ? wheels.entries() : []) {
      report(`fetching ${wheel.name} ${wheel.version} (${at + 1} of ${wheels.length})`);
      await fetchWheels([wheel], folder);
    }
    const found = await findWheels(wheels, folder);
    await requireSameBuild(found, runtime, join(staging, 'witness'));
    report('unpacking the CUDA provider and libraries');
    await unpackWheels(found, root);
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

/** `witnessFile`: where a library of the wheel may lie for a moment. */
async function requireSameBuild(
  found: ReadonlyMap<Wheel, string>,
  runtime: string,
  witnessFile: string,
): Promise<void> {
  for (const [{ name, witness }, wheelFile] of found) {
    if (witness === undefined) continue;
    await unzip(wheelFile, new Map([[witness, witnessFile]]));
    const [commit = 'unknown', wanted = 'unknown'] = [await runtimeBuild(witnessFile), await runtimeBuild(runtime)];
    if (commit !== wanted || commit === 'unknown') throw imageError('E_IMAGE_BUILD', { name, found: commit, wanted });
  }
}
