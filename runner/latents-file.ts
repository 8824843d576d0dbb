import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { relative, sep } from 'node:path';
import { toErrorRecord } from '#contract/error.ts';
import { joinLatents } from './latents.ts';
import { isOurName } from './output/survey.ts';
import type { Plan } from './plan/plan.ts';
import { storeError } from './store/errors.ts';
import { checkWritableFile, targetOf, writeFileWhole } from './store/writable-file.ts';
import type { F32Tensor } from './tensor.ts';
import { readSafetensorsHeader } from './weights/safetensors.ts';
import { safetensorsBytes } from './weights/write-tensors.ts';

/** Name of the one tensor in the file. */
const TENSOR = 'latents';

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

/**
 * Proves that latents can be written at `path` without harm to anything else, and gives the place where they will lie, links
 * followed once and for all. Refused are names that the run itself uses, and files that hold something else than latents: a
 * manifest, a film, a model's weights. Throws `E_STORE_FILE`.
 */
export async function checkLatentsFile(path: string, outputFolder: string): Promise<string> {
  const refuse = (reason: string) => storeError('E_STORE_FILE', { path, reason });
  const target = await targetOf(path);
  const output = await targetOf(outputFolder);
  const inside = relative(output, target).split(sep);
  if (isOurName(inside[0] ?? '')) throw refuse('the run keeps files of its own under this name');
  if (await holdsSomethingElse(target)) throw refuse('it holds something else than the latents of a film');
  // The output folder is made with the film, and looked at then.
  const comesWithFilm = inside.length === 1 && !existsSync(output);
  if (!comesWithFilm) await checkWritableFile(target);
  return target;
}

async function holdsSomethingElse(file: string): Promise<boolean> {
  const found = await stat(file).catch(() => undefined);
  if (!found?.isFile() || found.size === 0) return false;
  try {
    return [...readSafetensorsHeader(file).tensors.keys()].join() !== TENSOR;
  } catch {
    return true;
  }
}

/** The file at `path`, as {@link checkLatentsFile} gave it; none where it is undefined. */
export function openLatentsFile(path: string | undefined): LatentsFile | undefined {
  if (path === undefined) return undefined;
  const parts: F32Tensor[] = [];
  return {
    add: (part) => void parts.push(part),
    async write(warn) {
      try {
        await writeFileWhole(path, safetensorsBytes(new Map([[TENSOR, joinLatents(parts)]])));
      } catch (error) {
        warn(`the film is complete, but its latents were not written: ${toErrorRecord(error).message}`);
      }
    },
  };
}
