import { manifestError } from './errors.ts';

/** The API server takes no larger object, so neither does the reader. */
export const MANIFEST_LIMIT_BYTES = 1_500_000;

const ENCODINGS = [
  { name: 'utf-8', mark: [0xef, 0xbb, 0xbf], shown: 'UTF-8' },
  { name: 'utf-16le', mark: [0xff, 0xfe], shown: 'UTF-16 (little endian)' },
  { name: 'utf-16be', mark: [0xfe, 0xff], shown: 'UTF-16 (big endian)' },
] as const;

/**
 * The text of a manifest's bytes as kubectl decodes them: UTF-8, or what a byte order mark says. Bytes that are none are refused
 * with their offset (kubectl puts U+FFFD for them, which the resource refuses in prompts).
 */
export function decodeText(bytes: Uint8Array, file: string): string {
  if (bytes.length > MANIFEST_LIMIT_BYTES) {
    throw manifestError('E_MANIFEST_SIZE', { file, limit: MANIFEST_LIMIT_BYTES });
  }
  const marked = ENCODINGS.find(({ mark }) => mark.every((byte, index) => bytes[index] === byte));
  const { name, shown } = marked ?? ENCODINGS[0];
  const body = bytes.subarray(marked?.mark.length ?? 0);
  try {
    return decode(name, body);
  } catch (error) {
    const good = longestDecodable(name, body);
    const line = decode(name, body.subarray(0, good)).split('\n').length;
    const offset = good + (bytes.length - body.length);
    throw manifestError('E_MANIFEST_TEXT', { file, offset, line, encoding: shown }, error);
  }
}

function decode(encoding: string, bytes: Uint8Array): string {
  return new TextDecoder(encoding, { fatal: true, ignoreBOM: true }).decode(bytes);
}

/** How many bytes are read before the first that cannot be: a longer beginning never decodes where a shorter one did not. */
function longestDecodable(encoding: string, bytes: Uint8Array): number {
  let [good, bad] = [0, bytes.length];
  while (bad - good > 1) {
    const middle = Math.floor((good + bad) / 2);
    if (isDecodable(encoding, bytes.subarray(0, middle))) good = middle;
    else bad = middle;
  }
  // The search may have stopped inside a good character: go to its end, which is the last beginning that decodes whole.
  while (good > 0 && !isWhole(encoding, bytes.subarray(0, good))) good -= 1;
  return good;
}

/** Whether no byte is wrong; the last character may be unfinished. */
function isDecodable(encoding: string, bytes: Uint8Array): boolean {
  try {
    new TextDecoder(encoding, { fatal: true, ignoreBOM: true }).decode(bytes, { stream: true });
    return true;
  } catch {
    return false;
  }
}

function isWhole(encoding: string, bytes: Uint8Array): boolean {
  try {
    decode(encoding, bytes);
    return true;
  } catch {
    return false;
  }
}
