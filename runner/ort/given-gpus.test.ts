import { expect, test } from 'vitest';
import { givenGpus, maySeeGpus } from './given-gpus.ts';

const POD = { KUBERNETES_SERVICE_HOST: '10.96.0.1' };
const UUIDS = 'GPU-8d1c0a3e-0000-4000-8000-00000000000a,GPU-8d1c0a3e-0000-4000-8000-00000000000b';

test.each([
  {
    what: 'uuids of the device plugin',
    environment: { NVIDIA_VISIBLE_DEVICES: UUIDS },
    says: `NVIDIA_VISIBLE_DEVICES=${UUIDS}`,
  },
  { what: 'an index', environment: { NVIDIA_VISIBLE_DEVICES: '0' }, says: 'NVIDIA_VISIBLE_DEVICES=0' },
  { what: 'a slice', environment: { NVIDIA_VISIBLE_DEVICES: 'MIG-1' }, says: 'NVIDIA_VISIBLE_DEVICES=MIG-1' },
  {
    what: 'the folder where a plugin mounts what is given',
    environment: { NVIDIA_VISIBLE_DEVICES: '/var/run/nvidia-container-devices' },
    says: 'NVIDIA_VISIBLE_DEVICES=/var/run/nvidia-container-devices',
  },
  { what: 'a list with spaces', environment: { NVIDIA_VISIBLE_DEVICES: ' 0, 1,' }, says: 'NVIDIA_VISIBLE_DEVICES=0,1' },
  { what: 'devices of a batch system', environment: { CUDA_VISIBLE_DEVICES: '2,3' }, says: 'CUDA_VISIBLE_DEVICES=2,3' },
  {
    what: 'a filter that ends early',
    environment: { CUDA_VISIBLE_DEVICES: '1,-1,0' },
    says: 'CUDA_VISIBLE_DEVICES=1,-1,0',
  },
  {
    what: 'a word that somebody meant for GPUs, though CUDA sees none by it,',
    environment: { CUDA_VISIBLE_DEVICES: 'all' },
    says: 'CUDA_VISIBLE_DEVICES=all',
  },
  {
    what: 'a GPU that CUDA_VISIBLE_DEVICES hides again',
    environment: { NVIDIA_VISIBLE_DEVICES: '0', CUDA_VISIBLE_DEVICES: '' },
    says: 'NVIDIA_VISIBLE_DEVICES=0',
  },
  {
    what: 'device files in a pod of the container device interface',
    environment: { ...POD, NVIDIA_VISIBLE_DEVICES: 'void' },
    files: ['null', 'nvidiactl', 'nvidia3'],
    says: 'the device file /dev/nvidia3',
  },
])('$what give GPUs', ({ environment, files = [], says }) => {
  expect(givenGpus(environment, files)).toBe(says);
});

test.each([
  { what: 'an empty environment', environment: {} },
  { what: 'an empty value', environment: { NVIDIA_VISIBLE_DEVICES: '' } },
  { what: 'commas alone', environment: { NVIDIA_VISIBLE_DEVICES: ' , ' } },
  { what: 'void', environment: { NVIDIA_VISIBLE_DEVICES: 'void' } },
  { what: 'none', environment: { NVIDIA_VISIBLE_DEVICES: 'none' } },
  { what: "all, which is the image's word", environment: { ...POD, NVIDIA_VISIBLE_DEVICES: 'all' } },
  { what: 'a filter that lets nothing through', environment: { CUDA_VISIBLE_DEVICES: '-1' } },
  { what: 'a filter whose first number is none', environment: { CUDA_VISIBLE_DEVICES: '-1,0' } },
  { what: 'a filter of another number that is none', environment: { CUDA_VISIBLE_DEVICES: ' -2 , 1' } },
  { what: 'the word none', environment: { CUDA_VISIBLE_DEVICES: 'none' } },
  { what: "a batch system's word for none", environment: { CUDA_VISIBLE_DEVICES: 'NoDevFiles' } },
  { what: 'device files outside a pod', environment: {}, files: ['nvidia0'] },
  { what: 'control files alone in a pod', environment: POD, files: ['nvidiactl', 'nvidia-uvm'] },
])('$what gives no GPU', ({ environment, files = [] }) => {
  expect(givenGpus(environment, files)).toBeUndefined();
});

test('a long list is cut where it is shown', () => {
  expect(givenGpus({ NVIDIA_VISIBLE_DEVICES: 'GPU-1,'.repeat(100) }, [])).toMatch(/^NVIDIA_VISIBLE_DEVICES=.{100}…$/);
});

test.each([
  { environment: { NVIDIA_VISIBLE_DEVICES: 'all' }, says: 'NVIDIA_VISIBLE_DEVICES=all lets it see every GPU' },
  { environment: { NVIDIA_VISIBLE_DEVICES: ' ALL ' }, says: 'NVIDIA_VISIBLE_DEVICES=all lets it see every GPU' },
  { environment: { NVIDIA_VISIBLE_DEVICES: 'void' }, says: undefined },
  { environment: {}, says: undefined },
])('$environment says of GPUs that may be seen: $says', ({ environment, says }) => {
  expect(maySeeGpus(environment)).toBe(says);
});
