import { fileURLToPath } from 'node:url';
import { cliError } from './errors.ts';

/** A scheme of two letters or more: one letter is a drive. One slash is enough, for paths lose the other easily. */
const SCHEME = /^([A-Za-z][A-Za-z0-9+.-]+):\/\/?/;
/** Schemes that are meant even where the slashes are forgotten. */
const BARE_SCHEME = /^(s3a?|gs|gcs|az|abfss?|wasbs?|https?|ftps?|sftp|ssh|hdfs|oci|webdavs?|hf):/i;

/** Name of an option as people type it: `textCache` → `--text-cache`. */
function optionName(key: string): string {
  return key === 'file'
    ? '-f'
    : key === 'output'
      ? '-o'
      : `--${key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/**
 * Options with the paths of this machine in them: `file://` is taken off; all other schemes (`s3://…`) are refused by name, and
 * so is a text with nothing in it. Throws `E_CLI_EMPTY`, `E_CLI_SCHEME`, `E_CLI_URL`.
 */
export function withPlainPaths<T extends object>(options: T): T {
  const entries = Object.entries(options).map(([key, value]) => [
    key,
    typeof value === 'string' ? plainPath(optionName(key), value) : value,
  ]);
  return Object.fromEntries(entries) as T;
}

/** One path of the command line, as {@link withPlainPaths} treats it. */
export function plainPath(option: string, found: string): string {
  if (found.trim() === '') throw cliError('E_CLI_EMPTY', { option });
  const scheme = (SCHEME.exec(found) ?? BARE_SCHEME.exec(found))?.[1]?.toLowerCase();
  if (scheme === undefined) return found;
  if (scheme !== 'file') throw cliError('E_CLI_SCHEME', { option, found, scheme });
  try {
    return fileURLToPath(found);
  } catch (error) {
    throw cliError('E_CLI_URL', { option, found }, error);
  }
}
