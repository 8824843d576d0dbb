import { expect, test } from 'vitest';
import { deviceChoice } from './device-choice.ts';

test.each([
  { flag: undefined, variable: undefined, want: { choice: 'auto' } },
  { flag: undefined, variable: '', want: { choice: 'auto' } },
  { flag: undefined, variable: 'cuda', want: { choice: 'cuda', field: 'DUALPARAL_DEVICE' } },
  { flag: 'cpu', variable: 'cuda', want: { choice: 'cpu', field: '--device' } },
  { flag: 'auto', variable: 'nonsense', want: { choice: 'auto', field: '--device' } },
])('--device $flag and DUALPARAL_DEVICE $variable choose $want.choice', ({ flag, variable, want }) => {
  expect(deviceChoice(flag, { DUALPARAL_DEVICE: variable })).toMatchObject(want);
});

test.each([
  { flag: 'gpu', variable: undefined, says: 'E_DEVICE_CHOICE --device must be auto, cpu or cuda, found gpu' },
  { flag: 'CUDA', variable: undefined, says: 'E_DEVICE_CHOICE --device must be auto, cpu or cuda, found CUDA' },
  {
    flag: undefined,
    variable: 'cuda:0',
    says: 'E_DEVICE_CHOICE DUALPARAL_DEVICE must be auto, cpu or cuda, found cuda:0',
  },
])('an unknown choice is refused by field and choices: $says', ({ flag, variable, says }) => {
  let said = '';
  try {
    deviceChoice(flag, { DUALPARAL_DEVICE: variable });
  } catch (error) {
    const { code, message } = error as { code: string; message: string };
    said = `${code} ${message}`;
  }
  expect(said).toBe(says);
});
