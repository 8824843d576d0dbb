import { expect, test } from 'vitest';
import { winners } from './attention.part.ts';

const times = (mine: number, other: number) => [
  { operator: 'MultiHeadAttention', dtype: 'BF16', heads: 12, milliseconds: mine } as const,
  { operator: 'Attention', dtype: 'BF16', heads: 12, milliseconds: other } as const,
];
const chosen = () => 'MultiHeadAttention' as const;

test.each([
  { mine: 3.6, other: 6.5, fastest: 'MultiHeadAttention', isBest: true },
  { mine: 6.6, other: 6.5, fastest: 'Attention', isBest: true },
  { mine: 12.5, other: 6.5, fastest: 'Attention', isBest: false },
])('$fastest wins where ours takes $mine ms and the other $other', ({ mine, other, fastest, isBest }) => {
  const size = 'BF16, 12 heads';
  expect(winners(times(mine, other), chosen)).toEqual([{ size, fastest, chosen: 'MultiHeadAttention', isBest }]);
});

test('an operator that was chosen and could not run has not won', () => {
  expect(winners(times(1, 2).slice(1), chosen)).toMatchObject([{ fastest: 'Attention', isBest: false }]);
});
