/**
 * Packs a model's folder (Diffusers layout) as an image for an OCI image volume:
 * `node image/model-image.ts FOLDER --name localhost/tiny-wan:1 --output FILE.tar`. The files lie at the image's root.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { runAsProgram } from './command.ts';
import { imageError } from './errors.ts';
import { packFolder } from './layer.ts';
import { writeOciImage } from './oci-layout.ts';

const indexFile = 'model_index.json';

/**
 * Writes the image to `output` and returns its manifest's digest. Links in the folder, as download caches make them,
 * become the files that they lead to.
 */
export async function packModel(folder: string, name: string, output: string): Promise<string> {
  if (!existsSync(join(folder, indexFile))) throw imageError('E_IMAGE_FOLDER', { folder, wanted: indexFile });
  mkdirSync(dirname(resolve(output)), { recursive: true });
  const staging = mkdtempSync(join(dirname(resolve(output)), '.model-'));
  try {
    const layer = join(staging, 'layer.tar');
    await packFolder(folder, layer, { dereference: true });
    return await writeOciImage({ name, layers: [layer], settings: {} }, resolve(output));
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

await runAsProgram(import.meta, async (args) => {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { name: { type: 'string' }, output: { type: 'string', short: 'o' } },
  });
  const [folder] = positionals;
  if (folder === undefined || values.name === undefined || values.output === undefined) {
    throw imageError('E_IMAGE_USAGE', { detail: 'usage: node image/model-image.ts FOLDER --name NAME --output FILE' });
  }
  const digest = await packModel(folder, values.name, values.output);
  process.stdout.write(`${values.name} ${digest}\n${values.output}\n`);
});
