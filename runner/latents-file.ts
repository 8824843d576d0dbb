import { basename, dirname, resolve } from 'node:path';
import { toErrorRecord } from '#contract/error.ts';
import { joinLatents } from './latents.ts';
import { FILM_FILES } from './output/survey.ts';
import type { Plan } from './plan/plan.ts';
import { storeError } from './store/errors.ts';
import { checkWritableFile, writeFileWhole } from './store/writable-file.ts';
import type { F32Tensor } from './tensor.ts';
import { safetensorsBytes } from './weights/write-tensors.ts';

/** The film's clean latents for whoever asked for them; nobody else keeps them: a long film's are many. */
export interface LatentsFile {
  add(latents: F32Tensor): void;
  /** Writes all of them, concatenated in time. Never throws: the film is complete by then, so that a failure is a warning. */
  write(warn: (text: string) => void): Promise<void>;
}

/** Bytes of the numbers in the file. */
export function latentsFileBytes({ latentChannels, latents, latentHeight, latentWidth }: Plan): number {
  return latentChannels * latents * latentHeight * latentWidth * Float32Array.BYTES_PER_ELEMENT;
}

/** Proves that the file can be written, and that it is none of the film's own. Throws `E_STORE_FILE`. */
export async function checkLatentsFile(path: string, outputFolder: string): Promise<void> {
  await checkWritableFile(path);
  if (dirname(resolve(path)) === resolve(outputFolder) && FILM_FILES.includes(basename(path))) {
    throw storeError('E_STORE_FILE', { path, reason: 'the film itself is written there' });
  }
}

/** The file at `path`; none where it is undefined. That it can be written has been checked (`prepare.ts`). */
export function openLatentsFile(path: string | undefined): LatentsFile | undefined {
  if (path === undefined) return undefined;
  const parts: F32Tensor[] = [];
  return {
    add: (part) => void parts.push(part),
    async write(warn) {
      try {
        await writeFileWhole(path, safetensorsBytes(new Map([['latents', joinLatents(parts)]])));
      } catch (error) {
        warn(`the film is complete, but its latents were not written: ${toErrorRecord(error).message}`);
      }
    },
  };
}
