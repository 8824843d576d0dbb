import type { z } from 'zod';

type Tree = Readonly<Record<string, unknown>>;

/** Issues of a zod error, one line each: path, what is wrong, what was found. */
export function problemsOf(error: z.ZodError, value: unknown): readonly string[] {
  return error.issues.map((issue) => {
    const found = issue.path.reduce<unknown>((at, key) => (at as Tree | undefined)?.[String(key)], value);
    const shown = found === undefined || typeof found === 'object' || issue.message.includes('found');
    const message = found === undefined && issue.code === 'invalid_type' ? 'is required' : issue.message;
    return `${issue.path.map(String).join('.')}: ${message}${shown ? '' : `, found ${printed(found)}`}`;
  });
}

/** A value in a message, on one line and not too long. */
export function printed(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
