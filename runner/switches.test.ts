import { expect, test } from 'vitest';
import { isMeantOn, isSwitchedOn } from './switches.ts';

const VARIABLE = 'DUALPARAL_IGNORE_MEMORY';

test.each([
  { value: undefined, isOn: false },
  { value: '', isOn: false },
  { value: '0', isOn: false },
  { value: '1', isOn: true },
])('a switch that is $value is on: $isOn', ({ value, isOn }) => {
  expect(isSwitchedOn({ [VARIABLE]: value }, VARIABLE)).toBe(isOn);
  expect(isMeantOn({ [VARIABLE]: value }, VARIABLE)).toBe(isOn);
});

test.each(['true', 'false', 'yes', '2', ' 1', 'on'])(
  'a switch that is %j is refused by its name and value',
  (value) => {
    expect(() => isSwitchedOn({ [VARIABLE]: value }, VARIABLE)).toThrow(
      expect.objectContaining({
        code: 'E_ENVIRONMENT_SWITCH',
        exit: 'usage',
        message: `${VARIABLE} must be 1 (yes) or 0 (no), found '${value}'`,
      }),
    );
    expect(isMeantOn({ [VARIABLE]: value }, VARIABLE)).toBe(true);
  },
);
