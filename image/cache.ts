/** Where images and their layers are kept between builds. */
import { mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** The folder, made if need be; `DUALPARAL_IMAGE_CACHE` moves it. */
export function imageCache(): string {
  const folder = process.env.DUALPARAL_IMAGE_CACHE ?? join(homedir(), '.cache', 'dualparal', 'image');
  mkdirSync(folder, { recursive: true });
  return folder;
}
