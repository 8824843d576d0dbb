import { defineErrors } from './error.ts';

/** The longest wait of a timer (24 days): one that is asked for more is over at once. */
export const LONGEST_TIMER_MILLISECONDS = 2 ** 31 - 1;

const waitError = defineErrors({
  E_ENVIRONMENT_SECONDS: {
    message: "{variable} must be a number of seconds above 0, such as 600, found '{found}'",
    fixer: 'user',
    exit: 'usage',
  },
});

/**
 * A wait that a variable of the environment gives in seconds, in milliseconds and no longer than a timer's; undefined where it is not set.
 * Throws `E_ENVIRONMENT_SECONDS`.
 */
export function waitOf(environment: NodeJS.ProcessEnv, variable: string): number | undefined {
  const found = environment[variable]?.trim() ?? '';
  if (found === '') return undefined;
  const seconds = Number(found);
  if (!(seconds > 0)) throw waitError('E_ENVIRONMENT_SECONDS', { variable, found });
  return Math.min(seconds * 1000, LONGEST_TIMER_MILLISECONDS);
}
