/**
 * Parses JSON from bytes and refuses what `JSON.parse` lets through silently: bytes that are not UTF-8, and a name given
 * twice in one object (the first value would vanish). Returns the problem as text, never throws.
 */
export function parseJson(bytes: Uint8Array): { readonly value: unknown } | { readonly problem: string } {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return { problem: 'it is not UTF-8 text' };
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { problem: `it is not JSON: ${(error as Error).message}` };
  }
  const twice = repeatedName(text);
  return twice === undefined ? { value } : { problem: `the name ${JSON.stringify(twice)} is given twice` };
}

/** A JSON object's own entries; undefined when the value is anything else. Names such as `__proto__` are plain names. */
export function objectEntries(value: unknown): readonly (readonly [string, unknown])[] | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : undefined;
}

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\]]/g;

/** The first name that some object of a valid JSON text has twice. */
function repeatedName(text: string): string | undefined {
  const open: Set<string>[] = [];
  for (const match of text.matchAll(TOKEN)) {
    const token = match[0];
    if (token === '{' || token === '[') open.push(new Set());
    else if (token === '}' || token === ']') open.pop();
    else if (isName(text, match.index + token.length)) {
      const name = JSON.parse(token) as string;
      const names = open.at(-1);
      if (names?.has(name)) return name;
      names?.add(name);
    }
  }
  return undefined;
}

function isName(text: string, end: number): boolean {
  let at = end;
  while (at < text.length && ' \t\r\n'.includes(text[at]!)) at++;
  return text[at] === ':';
}
