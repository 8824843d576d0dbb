/**
 * Packs a model's folder (Diffusers layout) as an image for an OCI image volume:
 * `node image/model-image.ts FOLDER --name localhost/tiny-wan:1 --output FILE.tar`. The files lie at the image's root.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { requireFile, runAsProgram } from './command.ts';
import { packFolder } from './layer.ts';
import { writeOciImage } from './oci-layout.ts';
import { outputFile } from './output-file.ts';
import { modelWords } from './words.ts';

const indexFile = 'model_index.json';

/**
 * Writes the image to `output` and returns its manifest's digest. Links in the folder, as download caches make them,
 * become the files that they lead to.
 */
export async function packModel(folder: string, name: string, output: string): Promise<string> {
  requireFile(folder, 'a model', indexFile);
  const file = outputFile(output);
  const staging = mkdtempSync(join(dirname(file), '.model-'));
  try {
    const layer = join(staging, 'layer.tar');
    await packFolder(folder, layer, { dereference: true });
    return await writeOciImage({ name, layers: [layer], settings: {} }, file);
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

await runAsProgram(import.meta, async (args) => {
  const { folder, name, output } = modelWords(args);
  const digest = await packModel(folder, name, output);
  process.stdout.write(`${name} ${digest}\n${output}\n`);
});
