/**
 * The Unigram model of SentencePiece: of all ways to cut a word into known pieces, the one with the highest sum of scores.
 * Equal to the `tokenizers` library of the reference, ties included.
 */

/** A vocabulary, ready to cut words. */
export interface Unigram {
  readonly tokens: number;
  idOf(piece: string): number | undefined;
  /** Ids of a word's pieces. Characters that no piece holds become their bytes (`<0xE2>`), or the unknown token. */
  encode(word: string): readonly number[];
}

export interface UnigramOptions {
  /** Piece and score, in the order of their ids. */
  readonly vocabulary: readonly (readonly [piece: string, score: number])[];
  /** Id of the unknown token. */
  readonly unknown: number;
  readonly byteFallback: boolean;
}

/** How far below the lowest score of the vocabulary an unknown character lies. */
const UNKNOWN_PENALTY = 10;

/** A step of the best path: where it began and how good the path is up to its end. */
interface Step {
  readonly start: number;
  readonly score: number;
  readonly known: boolean;
}

export function createUnigram({ vocabulary, unknown, byteFallback }: UnigramOptions): Unigram {
  const ids = new Map<string, number>();
  let lowest = Number.POSITIVE_INFINITY;
  let longest = 1;
  vocabulary.forEach(([piece, score], id) => {
    ids.set(piece, id);
    lowest = Math.min(lowest, score);
    longest = Math.max(longest, piece.length);
  });
  const scoreOf = (piece: string) => {
    const id = ids.get(piece);
    return id === undefined ? undefined : (vocabulary[id] as readonly [string, number])[1];
  };

  function bestPath(word: string): readonly (Step | undefined)[] {
    const best: (Step | undefined)[] = new Array(word.length + 1);
    const offer = (start: number, end: number, gain: number, known: boolean) => {
      const score = (best[start]?.score ?? 0) + gain;
      const held = best[end];
      if (held === undefined || score > held.score) best[end] = { start, score, known };
    };
    for (let start = 0; start < word.length; ) {
      const next = start + characterLength(word, start);
      const last = Math.min(word.length, start + longest);
      for (let end = next; end <= last; end++) {
        const score = scoreOf(word.slice(start, end));
        if (score !== undefined) offer(start, end, score, true);
      }
      if (!ids.has(word.slice(start, next))) offer(start, next, lowest - UNKNOWN_PENALTY, false);
      start = next;
    }
    return best;
  }

  function cut(word: string): readonly string[] {
    const best = bestPath(word);
    const pieces: string[] = [];
    let unknownEnd: number | undefined;
    for (let end = word.length; end > 0; ) {
      const { start, known } = best[end] as Step;
      if (known) {
        if (unknownEnd !== undefined) pieces.push(word.slice(end, unknownEnd));
        unknownEnd = undefined;
        pieces.push(word.slice(start, end));
      } else {
        unknownEnd ??= end;
      }
      end = start;
    }
    if (unknownEnd !== undefined) pieces.push(word.slice(0, unknownEnd));
    return pieces.reverse();
  }

  function bytesOf(piece: string): readonly number[] | undefined {
    if (!byteFallback) return undefined;
    const found = Array.from(Buffer.from(piece, 'utf8'), (byte) => ids.get(byteToken(byte)));
    return found.every((id) => id !== undefined) ? found : undefined;
  }

  return {
    tokens: vocabulary.length,
    idOf: (piece) => ids.get(piece),
    encode: (word) => cut(word).flatMap((piece) => ids.get(piece) ?? bytesOf(piece) ?? unknown),
  };
}

function characterLength(word: string, at: number): number {
  return (word.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
}

function byteToken(byte: number): string {
  return `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`;
}
