import stringWidth from 'string-width';
import { expect, test } from 'vitest';
import type { Progress } from '#contract/progress.ts';
import { formatSeconds, headline, renderScreen } from './screen.ts';

const PROGRESS: Progress = {
  contractVersion: 1,
  sequence: 3,
  time: '2026-01-01T00:00:00.000Z',
  phase: 'Denoising',
  percent: 50,
  iteration: 5,
  iterations: 11,
  blockSteps: 18,
  blockStepsTotal: 36,
  blocksFinished: 0,
  blocks: 6,
  framesReady: 0,
  framesTotal: 101,
  blockStepsPerSecond: 2,
  etaSeconds: 75,
  plan: {
    latents: 26,
    blocks: 6,
    stride: 1,
    iterations: 11,
    blockSteps: 36,
    stages: [
      { device: 'cpu:0', firstLayer: 0, endLayer: 3, weightBytes: 1, memoryBytes: 1 },
      { device: 'cpu:1', firstLayer: 3, endLayer: 5, weightBytes: 1, memoryBytes: 1 },
    ],
  },
};

test('the live view shows a bar, a lane per stage and the staircase of noise', () => {
  const lanes = [
    { block: 2, itemsDone: 20, itemsTotal: 40 },
    { block: undefined, itemsDone: 10, itemsTotal: 40 },
  ];
  expect(renderScreen({ title: 'lighthouse', progress: PROGRESS, lanes, steps: 6 }, 120).split('\n')).toEqual([
    'lighthouse',
    'Denoising  ━━━━━━━━━━━━────────────  50.0 % block-steps 18/36, frames 0/101, 2 steps/s, 1m15s left',
    '  stage 0 layers 0–2    ━━━━━━━━━━━━──────────── block 2',
    '  stage 1 layers 3–4    ━━━━━━────────────────── waits',
    '  noise  ·░▒▓██  one cell per block, from noise █ to clean ·',
  ]);
});

test('no line is wider than the terminal', () => {
  const lines = renderScreen({ title: 'x'.repeat(200), progress: PROGRESS, lanes: [], steps: 6 }, 60).split('\n');
  expect(Math.max(...lines.map((line) => line.length))).toBe(59);
});

test.each([
  ['wide characters', '東京の夜、赤い円が右へ動く '.repeat(10)],
  ['emoji', '👩‍👩‍👧‍👦 film 🎬 '.repeat(20)],
])('nor is it with %s: the view would wrap and leave old lines behind', (_, title) => {
  const warnings = ['警告'.repeat(60)];
  const screen = renderScreen({ title, progress: { ...PROGRESS, warnings }, lanes: [], steps: 6 }, 60);
  expect(Math.max(...screen.split('\n').map((line) => stringWidth(line)))).toBeLessThanOrEqual(59);
});

test('nothing in a title or a warning steers the terminal', () => {
  const hostile = 'a\u001b[2J\u001b]0;owned\u0007b\nE_FAKE: c\u009b1A\u202e';
  const progress = { ...PROGRESS, warnings: [hostile] };
  const screen = renderScreen({ title: hostile, progress, lanes: [], steps: 6 }, 120);
  const lines = screen.split('\n');
  expect([lines[0], lines.at(-1)]).toEqual(['ab E_FAKE: c�', '! ab E_FAKE: c�']);
});

test('before the plan is known the headline has no counts', () => {
  const progress = { ...PROGRESS, phase: 'Planning' as const, percent: 0, blockStepsTotal: 0, framesTotal: 0 };
  const { blockStepsPerSecond: _r, etaSeconds: _e, ...bare } = progress;
  expect(headline(bare)).toBe(`Planning   ${'─'.repeat(24)}   0.0 %`);
});

test.each([
  [0, '0s'],
  [59.4, '59s'],
  [75, '1m15s'],
  [3720, '1h2m'],
])('%s seconds read as %s', (seconds, text) => expect(formatSeconds(seconds)).toBe(text));
