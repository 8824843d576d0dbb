import { expect, test } from 'vitest';
import { sliceGraph } from '../../runner/model/layers.ts';
import { layerTensors } from '../../runner/model/tensor-names.ts';
import type { Gpu, GpuFindings } from '../../runner/ort/gpu.ts';
import { elementCount } from '../../runner/tensor.ts';
import { allDevices, computeOn, type Devices, layoutsOf } from './devices.ts';
import { configOf } from './wide-layers.ts';

const GIB = 2 ** 30;

function gpu(index: number, over: Partial<Gpu> = {}): Gpu {
  const memory = { totalBytes: 80 * GIB, freeBytes: 79 * GIB, processes: [], mig: 'no' } as const;
  return { index, uuid: `GPU-${index}`, name: 'card', major: 9, minor: 0, peers: [], ...memory, ...over };
}

function found(...gpus: Gpu[]): () => GpuFindings {
  const nvml = { kind: 'absent', detail: 'none' } as const;
  return () => ({
    driver: { kind: 'read', cudaVersion: 13_000, devices: gpus },
    nvml,
    provider: { missing: [] },
    gpus,
  });
}

test('devices are those that the runner would use, with what they can compute in and how much of them may be taken', () => {
  const devices = allDevices('cuda', found(gpu(0, { major: 8, minor: 6 }), gpu(1, { mig: 'cut' }), gpu(2)));
  expect(devices).toEqual([
    expect.objectContaining({ index: 0, name: 'cuda:0 (card)', capability: 8.6, memoryBytes: expect.any(Number) }),
    expect.objectContaining({ index: 2, name: 'cuda:2 (card)', capability: 9 }),
  ]);
});

test.each([
  { why: 'no GPU', gpus: [], code: 'E_DEVICE_NONE' },
  { why: 'one too old', gpus: [gpu(0, { major: 7, minor: 0 })], code: 'E_DEVICE_CAPABILITY' },
])('where there is $why its code says so, and nothing is measured on the processor instead', ({ gpus, code }) => {
  expect(() => allDevices('cuda', found(...gpus))).toThrow(expect.objectContaining({ code }));
});

const indices = (all: Devices, stages: number) =>
  layoutsOf(all, stages).map(({ name, devices }) => `${name}: ${devices.map(({ index }) => index).join(' ')}`);

test.each([
  { gpus: 1, stages: 4, laid: ['one device: 0 0 0 0'] },
  { gpus: 8, stages: 1, laid: ['one device: 0'] },
  { gpus: 8, stages: 4, laid: ['one device: 0 0 0 0', 'several devices: 0 1 2 3'] },
  { gpus: 2, stages: 4, laid: ['one device: 0 0 0 0', 'several devices: 0 1 0 1'] },
])(
  '$stages stages with $gpus GPUs are laid on one and, where there are several, on several',
  ({ gpus, stages, laid }) => {
    const all = allDevices('cuda', found(...Array.from({ length: gpus }, (_, index) => gpu(index))));
    expect(indices(all, stages)).toEqual(laid);
  },
);

test('on the processor stages have devices of their own name and nothing else', () => {
  expect(indices(allDevices('cpu'), 3)).toEqual(['one device: 0 1 2']);
});

test.each([
  { major: 8, operator: 'Attention' },
  { major: 9, operator: 'MultiHeadAttention' },
])(
  'what is measured on a card of generation $major attends by $operator, as the runner does there',
  ({ major, operator }) => {
    const [device] = allDevices('cuda', found(gpu(0, { major })));
    const config = configOf('Wan2.1-T2V-1.3B');
    const tensors = new Map(
      layerTensors(config, 0).map(([name, shape]) => {
        return [name, { dtype: 'BF16', shape, file: 'none', offset: 0, byteLength: 2 * elementCount(shape) }] as const;
      }),
    );
    const slice = { firstLayer: 0, endLayer: 1, contextTokens: 0 };
    const { operations } = sliceGraph(config, tensors, { ...computeOn(device, 'BF16'), ...slice });
    const attends = operations.map(({ op }) => op).filter((op) => op.endsWith('Attention'));
    expect(new Set(attends)).toEqual(new Set([operator]));
  },
);
