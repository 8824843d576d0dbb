import { z } from 'zod';
import { readCharacterMap } from './character-map.ts';

/** Changes text before it is cut into words. */
export type Normalizer = (text: string) => string;

const patternSchema = z.union([z.object({ String: z.string() }), z.object({ Regex: z.string() })]);
const form = z.enum(['NFC', 'NFD', 'NFKC', 'NFKD']);
const stepSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('Precompiled'), precompiled_charsmap: z.string().nullable() }),
  z.object({ type: z.literal('Strip'), strip_left: z.boolean(), strip_right: z.boolean() }),
  z.object({ type: z.literal('Replace'), pattern: patternSchema, content: z.string() }),
  z.object({ type: z.literal('Prepend'), prepend: z.string() }),
  z.object({ type: z.literal('Lowercase') }),
  z.object({ type: form }),
]);

/** Names of the steps that `tokenizer.json` may ask for. */
export const NORMALIZERS = ['Sequence', 'Precompiled', 'Strip', 'Replace', 'Prepend', 'Lowercase', ...form.options];

const sequenceSchema = z.object({ type: z.literal('Sequence'), normalizers: z.array(z.unknown()) });

/** The normalizer that `tokenizer.json` describes. Throws a ZodError, a SyntaxError or a RangeError for what it cannot follow. */
export function createNormalizer(description: unknown): Normalizer {
  if (description === null || description === undefined) return (text) => text;
  const sequence = sequenceSchema.safeParse(description);
  if (!sequence.success) return createStep(stepSchema.parse(description));
  const steps = sequence.data.normalizers.map(createNormalizer);
  return (text) => steps.reduce((done, step) => step(done), text);
}

function createStep(step: z.output<typeof stepSchema>): Normalizer {
  switch (step.type) {
    case 'Precompiled':
      return step.precompiled_charsmap ? readCharacterMap(step.precompiled_charsmap) : (text) => text;
    case 'Strip':
      return (text) => {
        const left = step.strip_left ? text.replace(/^\p{White_Space}+/u, '') : text;
        return step.strip_right ? left.replace(/\p{White_Space}+$/u, '') : left;
      };
    case 'Replace': {
      const { pattern, content } = step;
      const found = 'String' in pattern ? pattern.String : new RegExp(pattern.Regex, 'gu');
      return (text) => text.replaceAll(found, () => content);
    }
    case 'Prepend':
      return (text) => (text === '' ? text : step.prepend + text);
    case 'Lowercase':
      return (text) => text.toLowerCase();
    default:
      return (text) => text.normalize(step.type);
  }
}
