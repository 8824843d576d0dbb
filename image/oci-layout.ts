/**
 * Writes an image as an OCI layout in one tar file, which `ctr images import`, podman and skopeo read. No registry and
 * no build daemon takes part. The same layers and settings give the same bytes.
 */
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  createReadStream,
  linkSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { packFolder } from './layer.ts';
import { asOutputError } from './output-file.ts';

export interface ImageSettings {
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly Env?: readonly string[];
  readonly User?: string;
  readonly WorkingDir?: string;
  readonly Labels?: Readonly<Record<string, string>>;
}

export interface OciImage {
  /** Full name with tag, as pods say it: `localhost/dualparal:dev`. */
  readonly name: string;
  /** Uncompressed tar files, lowest first. */
  readonly layers: readonly string[];
  readonly settings: ImageSettings;
}

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

/** sha256 of a file, in hexadecimal. */
export async function fileDigest(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

async function addLayer(blobs: string, tarFile: string): Promise<Descriptor> {
  const digest = await fileDigest(tarFile);
  const blob = join(blobs, digest);
  try {
    linkSync(tarFile, blob);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // Two equal layers are one blob; another file system cannot be linked to.
    if (code !== 'EEXIST') copyFileSync(tarFile, blob);
  }
  return {
    mediaType: 'application/vnd.oci.image.layer.v1.tar',
    digest: `sha256:${digest}`,
    size: statSync(tarFile).size,
  };
}

function addJson(blobs: string, mediaType: string, value: unknown): Descriptor {
  const text = JSON.stringify(value);
  const digest = createHash('sha256').update(text).digest('hex');
  writeFileSync(join(blobs, digest), text);
  return { mediaType, digest: `sha256:${digest}`, size: Buffer.byteLength(text) };
}

/** Writes the image to `output` (through a temporary file beside it) and returns its manifest's digest. */
export async function writeOciImage(image: OciImage, output: string): Promise<string> {
  mkdirSync(dirname(output), { recursive: true });
  const staging = mkdtempSync(join(dirname(output), '.oci-'));
  try {
    const blobs = join(staging, 'layout', 'blobs', 'sha256');
    mkdirSync(blobs, { recursive: true });
    const layers: Descriptor[] = [];
    for (const layer of image.layers) layers.push(await addLayer(blobs, layer));
    const config = addJson(blobs, 'application/vnd.oci.image.config.v1+json', {
      created: '1970-01-01T00:00:00Z',
      architecture: 'amd64',
      os: 'linux',
      config: image.settings,
      // The layers are not compressed, so their digests are those of their contents too.
      rootfs: { type: 'layers', diff_ids: layers.map((layer) => layer.digest) },
    });
    const manifest = addJson(blobs, 'application/vnd.oci.image.manifest.v1+json', {
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config,
      layers,
    });
    const annotations = { 'io.containerd.image.name': image.name, 'org.opencontainers.image.ref.name': image.name };
    const index = {
      schemaVersion: 2,
      manifests: [{ ...manifest, platform: { architecture: 'amd64', os: 'linux' }, annotations }],
    };
    writeFileSync(join(staging, 'layout', 'index.json'), JSON.stringify(index));
    writeFileSync(join(staging, 'layout', 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
    await packFolder(join(staging, 'layout'), join(staging, 'image.tar'));
    renameSync(join(staging, 'image.tar'), output);
    return manifest.digest;
  } catch (error) {
    throw asOutputError(output, error);
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}
