import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { relative, sep } from 'node:path';
import { toErrorRecord } from '#contract/error.ts';
import { isOurName } from './output/survey.ts';
import type { Plan } from './plan/plan.ts';
import { storeError } from './store/errors.ts';
import { clearUnfinished, openUnfinishedFile, type UnfinishedFile } from './store/unfinished-file.ts';
import { checkWritableFile, targetOf } from './store/writable-file.ts';
import { bytesOf, type F32Tensor } from './tensor.ts';
import { readSafetensorsHeader } from './weights/safetensors.ts';
import { safetensorsHead } from './weights/write-tensors.ts';

/** Name of the one tensor in the file. */
const TENSOR = 'latents';

/** The film's clean latents for whoever asked for them; nobody else keeps them: a long film's are many. */
export interface LatentsFile {
  /** Takes the next latents in time. Never throws: what fails is told by `write`. */
  add(latents: F32Tensor): Promise<void>;
  /** Gives the file, with all of them, its name. Never throws: the film is complete by then, so that a failure is a warning. */
  write(warn: (text: string) => void): Promise<void>;
  /** Leaves nothing of a file that has not got its name. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** Of a film's latents: how many, and their channels, height and width. */
export type LatentsShape = Pick<Plan, 'latentChannels' | 'latents' | 'latentHeight' | 'latentWidth'>;

/** Bytes of the numbers in the file. */
export function latentsFileBytes({ latentChannels, latents, latentHeight, latentWidth }: LatentsShape): number {
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

/**
 * The file at `path`, as {@link checkLatentsFile} gave it, for the latents of a film whose output folder this run holds; none where the path is
 * undefined. What earlier runs of the film were killed over is removed.
 */
export function openLatentsFile(
  path: string | undefined,
  outputFolder: string,
  film: LatentsShape,
): LatentsFile | undefined {
  if (path === undefined) return undefined;
  const { latentChannels, latents, latentHeight, latentWidth } = film;
  const head = safetensorsHead(new Map([[TENSOR, [1, latentChannels, latents, latentHeight, latentWidth]]]));
  const latentBytes = latentHeight * latentWidth * Float32Array.BYTES_PER_ELEMENT;
  const cleared = clearUnfinished(path, outputFolder);
  let opened: Promise<UnfinishedFile> | undefined;
  let failure: unknown;
  let count = 0;

  /** All channels lie one after the other: a part is a piece of each. */
  async function put(part: F32Tensor): Promise<void> {
    opened ??= cleared.then(() => openUnfinishedFile(path!, outputFolder));
    const file = await opened;
    if (count === 0) await file.write(head, 0);
    const bytes = bytesOf(part.data);
    const length = bytes.byteLength / latentChannels;
    for (let channel = 0; channel < latentChannels; channel++) {
      const at = head.byteLength + (channel * latents + count) * latentBytes;
      await file.write(bytes.subarray(channel * length, (channel + 1) * length), at);
    }
    count += length / latentBytes;
  }

  async function finish(): Promise<void> {
    if (failure !== undefined) throw failure;
    if (opened === undefined || count !== latents) throw new Error(`${count} of ${latents} latents are there`);
    await (await opened).finish();
  }

  return {
    async add(part) {
      if (failure !== undefined) return;
      try {
        await put(part);
      } catch (error) {
        failure = error;
      }
    },
    async write(warn) {
      try {
        await finish();
      } catch (error) {
        warn(`the film is complete, but its latents were not written: ${toErrorRecord(error).message}`);
      }
    },
    async [Symbol.asyncDispose]() {
      await cleared;
      const file = await opened?.catch(() => undefined);
      await file?.discard();
    },
  };
}
