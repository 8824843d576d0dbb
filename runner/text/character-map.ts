/**
 * The compiled character map of SentencePiece (`precompiled_charsmap` in `tokenizer.json`): a trie over UTF-8 in an array of
 * 32-bit units (a Darts-clone double array), and the replacements, each ended by a zero byte.
 */

/** Replaces characters, a grapheme at a time where it is short, else code point by code point. */
export type CharacterMap = (text: string) => string;

/** Graphemes of at least this many bytes are not looked up whole. */
const LONG_GRAPHEME_BYTES = 6;

/** Reads a map from its base64 text; throws a RangeError if it is cut. */
export function readCharacterMap(base64: string): CharacterMap {
  const bytes = Buffer.from(base64, 'base64');
  const trieBytes = bytes.byteLength < 4 ? Number.POSITIVE_INFINITY : bytes.readUInt32LE(0);
  if (4 + trieBytes > bytes.byteLength || trieBytes % 4 !== 0) throw new RangeError('its character map is cut');
  const trie = Uint32Array.from({ length: trieBytes / 4 }, (_, i) => bytes.readUInt32LE(4 + 4 * i));
  const replacements = bytes.subarray(4 + trieBytes);
  const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

  function replaced(part: string): string | undefined {
    const start = shortestMatch(trie, Buffer.from(part, 'utf8'));
    if (start === undefined) return undefined;
    const end = replacements.indexOf(0, start);
    return replacements.toString('utf8', start, end < 0 ? undefined : end);
  }

  return (text) => {
    let mapped = '';
    for (const { segment } of graphemes.segment(text)) {
      const whole = Buffer.byteLength(segment) < LONG_GRAPHEME_BYTES ? replaced(segment) : undefined;
      if (whole !== undefined) mapped += whole;
      else for (const character of segment) mapped += replaced(character) ?? character;
    }
    return mapped;
  };
}

/** The value of the shortest entry that `key` starts with. Each unit of the trie packs an offset, a label and a leaf flag. */
function shortestMatch(trie: Uint32Array, key: Uint8Array): number | undefined {
  let position = offsetOf(trie[0] ?? 0);
  for (const byte of key) {
    position ^= byte;
    const unit = trie[position];
    if (unit === undefined || byte === 0 || labelOf(unit) !== byte) return undefined;
    position ^= offsetOf(unit);
    if (unit & 0x100) return (trie[position] ?? 0) & 0x7fffffff;
  }
  return undefined;
}

function labelOf(unit: number): number {
  return (unit & 0x800000ff) >>> 0;
}

function offsetOf(unit: number): number {
  return (unit >>> 10) << ((unit & 0x200) >>> 6);
}
