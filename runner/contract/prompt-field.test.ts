import { expect, test } from 'vitest';
import { unusedNegativePrompt } from './prompt-field.ts';

const UNUSED = 'negativePrompt has no effect: sampling.guidanceScale is 1, and guidance works above 1 only';

test.each([
  { negativePrompt: 'blurred', sampling: { guidanceScale: 1 }, warning: UNUSED },
  { negativePrompt: 'blurred', sampling: { guidanceScale: 1, guidanceScale2: 0 }, warning: UNUSED },
  { negativePrompt: 'blurred', sampling: { guidanceScale: 1.01 }, warning: undefined },
  { negativePrompt: 'blurred', sampling: { guidanceScale: 1, guidanceScale2: 3 }, warning: undefined },
  { negativePrompt: '', sampling: { guidanceScale: 1 }, warning: undefined },
  { negativePrompt: ' &nbsp; ', sampling: { guidanceScale: 1 }, warning: undefined },
])('a negative prompt $negativePrompt with $sampling: $warning', ({ warning, ...film }) => {
  expect(unusedNegativePrompt(film)).toBe(warning);
});
