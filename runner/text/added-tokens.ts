import { z } from 'zod';

/** A token that is found in the text as it is written out, before (`normalized: false`) or after normalisation. */
export const addedTokenSchema = z.object({
  id: z.int().min(0),
  content: z.string().min(1),
  single_word: z.boolean().default(false),
  lstrip: z.boolean().default(false),
  rstrip: z.boolean().default(false),
  normalized: z.boolean().default(true),
});
export type AddedToken = z.output<typeof addedTokenSchema>;

/** A stretch of text without added tokens; `first` if the whole text begins with it. */
export interface Stretch {
  readonly text: string;
  readonly first: boolean;
}

/** A token's place in a text, with the white space that it swallows. */
interface Place {
  readonly id: number;
  readonly start: number;
  readonly end: number;
}

/** Cuts a text at the tokens that are written out in it: the leftmost, and of those the longest. */
export function createFinder(
  added: readonly AddedToken[],
): (text: string, first: boolean) => readonly (number | Stretch)[] {
  const byText = new Map(added.filter(({ content }) => content !== '').map((token) => [token.content, token]));
  const longestFirst = [...byText.keys()].sort((a, b) => b.length - a.length);
  const pattern = new RegExp(longestFirst.map(RegExp.escape).join('|'), 'gu');

  return (text, first) => {
    const parts: (number | Stretch)[] = [];
    let done = 0;
    const pass = (end: number) => {
      if (done < end) parts.push({ text: text.slice(done, end), first: first && done === 0 });
    };
    const matches = byText.size === 0 ? [] : text.matchAll(pattern);
    for (const match of matches) {
      const place = placeOf(byText.get(match[0]) as AddedToken, text, match.index);
      if (place === undefined) continue;
      pass(place.start);
      parts.push(place.id);
      done = place.end;
    }
    pass(text.length);
    return parts;
  };
}

/** Undefined for a token that must be a word of its own and is not. */
function placeOf(token: AddedToken, text: string, at: number): Place | undefined {
  const before = text.slice(0, at);
  const after = text.slice(at + token.content.length);
  if (token.single_word && (/[\p{L}\p{N}_]$/u.test(before) || /^[\p{L}\p{N}_]/u.test(after))) return undefined;
  return {
    id: token.id,
    start: token.lstrip ? before.replace(/\p{White_Space}+$/u, '').length : at,
    end: text.length - (token.rstrip ? after.replace(/^\p{White_Space}+/u, '') : after).length,
  };
}
