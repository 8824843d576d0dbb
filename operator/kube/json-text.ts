/** What JSON takes as it is and YAML does not, or changes: control characters, other line ends, marks of byte order. */
const NOT_YAML = /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g;

/**
 * An object as JSON that is YAML as well, as which the API server reads an apply patch: a character that YAML refuses would
 * make the whole status invalid. Half a pair of surrogates, which no text can hold, becomes U+FFFD.
 */
export function jsonText(value: unknown): string {
  const text = JSON.stringify(value, (_key, part: unknown) => (typeof part === 'string' ? part.toWellFormed() : part));
  return text.replaceAll(NOT_YAML, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** The same object with every text as {@link jsonText} writes it, so that what is decided equals what is stored. */
export function wellFormed<T>(value: T): T {
  return JSON.parse(jsonText(value)) as T;
}
