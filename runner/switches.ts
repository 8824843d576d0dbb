import { defineErrors } from '#contract/error.ts';

/** Variables of the environment that say yes or no. */
export const SWITCHES = ['DUALPARAL_IGNORE_MEMORY', 'DUALPARAL_NO_PARENT', 'DUALPARAL_DEBUG'] as const;
export type Switch = (typeof SWITCHES)[number];

const switchError = defineErrors({
  E_ENVIRONMENT_SWITCH: {
    message: "{variable} must be 1 (yes) or 0 (no), found '{found}'",
    fixer: 'user',
    exit: 'usage',
  },
});

/** Whether a switch is on: 1 says so, and 0 or nothing that it is not. Throws `E_ENVIRONMENT_SWITCH` for any other value. */
export function isSwitchedOn(environment: NodeJS.ProcessEnv, variable: Switch): boolean {
  const value = environment[variable] ?? '';
  if (!['', '0', '1'].includes(value)) throw switchError('E_ENVIRONMENT_SWITCH', { variable, found: value });
  return value === '1';
}

/** The same where nobody could hear of an error: any value but 0 and nothing is a yes. */
export function isMeantOn(environment: NodeJS.ProcessEnv, variable: Switch): boolean {
  return !['', '0'].includes(environment[variable] ?? '');
}
