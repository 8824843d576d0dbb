/**
 * Wheels of the Python package index: fetched by pip from the index that this machine is set up for, held to their pinned
 * bytes, and unpacked without Python.
 */
import { globSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { LICENCE_FOLDER, type Wheel } from './cuda-contents.ts';
import { imageError } from './errors.ts';
import { runToEnd } from './layer.ts';
import { fileDigest } from './oci-layout.ts';
import { unzip } from './zip.ts';

/** Platforms of the wheels that run on the image's Debian, as pip names them. */
const PLATFORMS = ['2_28', '2_27', '2_17', '2_12'].map((libc) => `manylinux_${libc}_x86_64`);
/** The Python whose wheels are asked for where there is one for each; of this one the bytes are pinned. */
const PYTHON_VERSION = '3.12';

/** The wheels as pip's list of requirements, each with its hash. */
export function requirementsOf(wheels: readonly Wheel[]): string {
  return wheels.map(({ name, version, sha256 }) => `${name}==${version} --hash=sha256:${sha256}\n`).join('');
}

/** Downloads the wheels into `folder`. pip refuses what has other bytes. */
export async function fetchWheels(wheels: readonly Wheel[], folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const requirements = join(folder, 'requirements.txt');
  writeFileSync(requirements, requirementsOf(wheels));
  await runToEnd('pip3', [
    ...['download', '--quiet', '--no-deps', '--only-binary=:all:', '--require-hashes', '--dest', folder],
    ...['--python-version', PYTHON_VERSION, ...PLATFORMS.flatMap((platform) => ['--platform', platform])],
    ...['--requirement', requirements],
  ]);
}

/** File of each wheel among those in `folder`, by its bytes, whatever its name. Throws `E_IMAGE_WHEEL` for the first that is not there. */
export async function findWheels(wheels: readonly Wheel[], folder: string): Promise<ReadonlyMap<Wheel, string>> {
  const byDigest = new Map<string, string>();
  for (const name of globSync('*.whl', { cwd: folder })) {
    byDigest.set(await fileDigest(join(folder, name)), join(folder, name));
  }
  return new Map(
    wheels.map((wheel) => {
      const file = byDigest.get(wheel.sha256);
      if (file === undefined) {
        const { name, version, sha256 } = wheel;
        throw imageError('E_IMAGE_WHEEL', { folder, name, version, sha256 });
      }
      return [wheel, file];
    }),
  );
}

/** Where the files of a wheel go: path inside the wheel → path in the image. */
export function placesOf({ name, target, files, licences }: Wheel): ReadonlyMap<string, string> {
  const place = (folder: string) => (path: string) => [path, join(folder, basename(path))] as const;
  return new Map([...files.map(place(target)), ...licences.map(place(join(LICENCE_FOLDER, name)))]);
}

/** Unpacks the files that are wanted of each wheel into the image's file system at `root`. */
export async function unpackWheels(found: ReadonlyMap<Wheel, string>, root: string): Promise<void> {
  for (const [wheel, file] of found) {
    const places = new Map([...placesOf(wheel)].map(([path, place]) => [path, join(root, place)]));
    for (const output of places.values()) mkdirSync(dirname(output), { recursive: true });
    await unzip(file, places);
  }
}
