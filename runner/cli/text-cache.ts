import { resolve } from 'node:path';
import type { GenerateExtras } from '../prepare.ts';

/** Where embeddings are kept: the folder that was asked for, else DUALPARAL_TEXT_CACHE, else nowhere. */
export function textCache(
  environment: NodeJS.ProcessEnv,
  asked?: string,
): Pick<GenerateExtras, 'textCacheFolder' | 'textCacheAsked'> {
  const folder = asked ?? environment.DUALPARAL_TEXT_CACHE;
  return folder === undefined || folder === ''
    ? {}
    : { textCacheFolder: resolve(folder), textCacheAsked: asked !== undefined };
}
