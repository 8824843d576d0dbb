const LONGEST = 80;

/** A value of a parsed JSON file as text that is short enough for a one-line message, whatever somebody put there. */
export function shortJson(value: unknown): string {
  if (typeof value === 'number') return String(value);
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch {
    // Nested deeper than the stack.
    return 'a deeply nested value';
  }
  return shortText(text ?? String(value));
}

export function shortText(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST - 3)}…` : text;
}
