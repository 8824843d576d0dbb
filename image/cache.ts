/** Where images and their layers are kept between builds. */
import { mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { asOutputError } from './output-file.ts';

/** Absolute path of the folder, made if need be; `DUALPARAL_IMAGE_CACHE` moves it. Throws `E_IMAGE_OUTPUT`. */
export function imageCache(): string {
  const folder = resolve(process.env.DUALPARAL_IMAGE_CACHE || join(homedir(), '.cache', 'dualparal', 'image'));
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw asOutputError(folder, error);
  }
  return folder;
}
