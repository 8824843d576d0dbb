import { expect, test } from 'vitest';
import { chooseDevices } from './devices.ts';

test('each stage gets the device that the kubelet allotted, under its own name', () => {
  expect(chooseDevices(2, { DUALPARAL_STANDIN_GPUS: 'gpu-5,gpu-2' })).toEqual([
    { kind: 'cpu', index: 0, name: 'gpu-5' },
    { kind: 'cpu', index: 1, name: 'gpu-2' },
  ]);
});

test('a machine without allotted devices gives as many virtual ones as there are stages', () => {
  expect(chooseDevices(3, {}).map(({ name }) => name)).toEqual(['cpu:0', 'cpu:1', 'cpu:2']);
});
