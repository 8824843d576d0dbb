import { join } from 'node:path';
import { expect, it } from 'vitest';
import { cutWarning, measurePrompts } from './prompt-tokens.ts';

const TOKENIZER = join(import.meta.dirname, '../../test/golden/data/tiny-wan/tokenizer');
const place = { tokenizerFolder: TOKENIZER, config: { vocabulary: 300 } };

it('knows the length of each prompt, cleaned, before anything loads', () => {
  const prompts = [
    { name: 'prompt', text: ' a  red&nbsp;circle\n' },
    { name: 'negativePrompt', text: '' },
  ];
  const whole = measurePrompts(place, prompts, 512);
  expect(whole).toEqual([
    { name: 'prompt', tokens: whole[0]!.tokens, cut: 0 },
    { name: 'negativePrompt', tokens: 1, cut: 0 },
  ]);
  const [prompt] = measurePrompts(place, prompts, 5);
  expect(prompt).toEqual({ name: 'prompt', tokens: 5, cut: whole[0]!.tokens - 5 });
});

it('says how much of a prompt is cut, and nothing of one that fits', () => {
  expect([0, 1, 7].map((cut) => cutWarning({ name: 'prompt', cut }, 512))).toEqual([
    undefined,
    'prompt is too long: its last 1 token is cut, the model reads 512',
    'prompt is too long: its last 7 tokens are cut, the model reads 512',
  ]);
});

it('refuses the tokenizer of another model, whatever the prompt', () => {
  const other = { ...place, config: { vocabulary: 40 } };
  expect(() => measurePrompts(other, [], 512)).toThrow(
    expect.objectContaining({
      code: 'E_TOKENIZER_VOCABULARY',
      message: expect.stringMatching(/ number 93 .* knows 40 /),
    }),
  );
});
