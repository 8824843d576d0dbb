import { expect, test } from 'vitest';
import { layersCases, wantedOf } from './layers-cases.ts';

const shown = (request: Parameters<typeof layersCases>[0]) =>
  layersCases(request).map((one) => {
    const { speed = '–', share = '–' } = wantedOf(one, request.device);
    return `${one.name}, ${one.tokens}: ${speed} ${share}`;
  });

test('on the processor figures are wanted at 1.3B width, a share of the product at two lengths', () => {
  expect(shown({ device: 'cpu' })).toEqual([
    'tiny width, layer, 432: – –',
    'tiny width, block-step of 2 layers, 432: – –',
    '1.3B width, layer, 1560: 1.8 0.85',
    '1.3B width, block-step of 2 layers, 1560: 1.8 0.85',
    '1.3B width, layer, 6240: 1.8 0.7',
    '1.3B width, block-step of 2 layers, 6240: 1.8 0.7',
    '14B width, layer, 1560: – –',
    '14B width, block-step of 2 layers, 1560: – –',
  ]);
});

test('on a card a block-step of a 480p window is held to a share of the product, everything but the tiny width to PyTorch', () => {
  expect(shown({ device: 'cuda', widths: ['tiny', '14B'], tokens: [1560, 18_720] })).toEqual([
    'tiny width, layer, 1560: – –',
    'tiny width, block-step of 2 layers, 1560: – –',
    'tiny width, layer, 18720: – –',
    'tiny width, block-step of 2 layers, 18720: – –',
    '14B width, layer, 1560: 1 –',
    '14B width, block-step of 2 layers, 1560: 1 –',
    '14B width, layer, 18720: 1 –',
    '14B width, block-step of 2 layers, 18720: 1 0.66',
  ]);
});
