import { z } from 'zod';

/** Cuts normalised text into words. `first`: the text begins where the whole prompt begins. */
export type Splitter = (text: string, first: boolean) => readonly string[];

const metaspaceSchema = z.object({
  type: z.literal('Metaspace'),
  replacement: z.string().length(1).default('▁'),
  prepend_scheme: z.enum(['always', 'first', 'never']).optional(),
  add_prefix_space: z.boolean().default(true),
  split: z.boolean().default(true),
});
const schema = z.discriminatedUnion('type', [
  metaspaceSchema,
  z.object({ type: z.literal('WhitespaceSplit') }),
  z.object({ type: z.literal('Sequence'), pretokenizers: z.array(z.unknown()) }),
]);

/** Names of the ways to split that `tokenizer.json` may ask for. */
export const SPLITTERS = ['Metaspace', 'WhitespaceSplit', 'Sequence'];

/** The splitter (`pre_tokenizer`) that `tokenizer.json` describes. Throws a ZodError for what it cannot follow. */
export function createSplitter(description: unknown): Splitter {
  if (description === null || description === undefined) return (text) => [text];
  const found = schema.parse(description);
  if (found.type === 'Metaspace') return metaspace(found);
  if (found.type === 'WhitespaceSplit') return (text) => text.split(/\p{White_Space}+/u).filter((word) => word !== '');
  const steps = found.pretokenizers.map(createSplitter);
  return (text, first) =>
    steps.reduce<readonly string[]>(
      (words, step) => words.flatMap((word, i) => step(word, first && i === 0 && text.startsWith(word))),
      [text],
    );
}

/** Spaces become `▁`, one is put in front, and every word begins at one. */
function metaspace({
  replacement,
  prepend_scheme,
  add_prefix_space,
  split,
}: z.output<typeof metaspaceSchema>): Splitter {
  const scheme = prepend_scheme ?? (add_prefix_space ? 'always' : 'never');
  const boundary = new RegExp(`(?=${replacement})`, 'u');
  return (text, first) => {
    const marked = text.replaceAll(' ', replacement);
    const isWanted = scheme === 'always' || (scheme === 'first' && first);
    const whole = isWanted && marked !== '' && !marked.startsWith(replacement) ? replacement + marked : marked;
    return (split ? whole.split(boundary) : [whole]).filter((word) => word !== '');
  };
}
