/**
 * What a scalar of YAML means to kubectl: the rules of go-yaml v2's `resolve`, a dialect of YAML 1.1 (`on` and `yes` are
 * booleans, `0123` is octal, `1_000` is 1000, dates are texts, `1:30` is a text). Throws `Error`s that say what is wrong.
 */

/**
 * Value of a scalar in JSON. Not a number and the infinities come out as such; JSON has no word for them. Whole numbers that a
 * double would round are bigints, so that messages show them as they were written.
 */
export type ScalarValue = string | number | bigint | boolean | null;

const WORDS: ReadonlyMap<string, ScalarValue> = new Map<string, ScalarValue>([
  ...['y', 'Y', 'yes', 'Yes', 'YES', 'true', 'True', 'TRUE', 'on', 'On', 'ON'].map((word) => [word, true] as const),
  ...['n', 'N', 'no', 'No', 'NO', 'false', 'False', 'FALSE', 'off', 'Off', 'OFF'].map((word) => [word, false] as const),
  ...['', '~', 'null', 'Null', 'NULL'].map((word) => [word, null] as const),
  ...['.nan', '.NaN', '.NAN'].map((word) => [word, Number.NaN] as const),
  ...['.inf', '.Inf', '.INF', '+.inf', '+.Inf', '+.INF'].map((word) => [word, Number.POSITIVE_INFINITY] as const),
  ...['-.inf', '-.Inf', '-.INF'].map((word) => [word, Number.NEGATIVE_INFINITY] as const),
]);

const INTEGERS = [
  { pattern: /^[-+]?0[xX][0-9a-fA-F]+$/, prefix: '0x', digits: 2 },
  { pattern: /^[-+]?0[bB][01]+$/, prefix: '0b', digits: 2 },
  { pattern: /^[-+]?0[oO][0-7]+$/, prefix: '0o', digits: 2 },
  { pattern: /^[-+]?0[0-7]+$/, prefix: '0o', digits: 1 },
  { pattern: /^[-+]?(0|[1-9][0-9]*)$/, prefix: '', digits: 0 },
];
const FLOAT = /^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$/;
/** Go takes `_` between two digits of a number that begins with a point. */
const UNDERSCORE_OF_FLOAT = /(?<=\d)_(?=\d)/g;
const DATE = /^\d{4}-\d{1,2}-\d{1,2}([Tt ]\d{1,2}:\d{1,2}:\d{1,2}(\.\d+)?(Z|[-+]\d{2}:\d{2})?)?$/;

/** Value of a scalar that stands without quotes and without a tag. */
export function plainValue(text: string): ScalarValue {
  const word = WORDS.get(text);
  if (word !== undefined) return word;
  if (text.startsWith('.')) return floatValue(text.replace(UNDERSCORE_OF_FLOAT, '')) ?? text;
  if (!/^[-+0-9]/.test(text)) return text;
  const plain = text.replaceAll('_', '');
  return integerValue(plain) ?? floatValue(plain) ?? text;
}

/** Value of a scalar with a tag (`!!int`); quotes make no difference to it. Tags of others leave the text as it is. */
export function taggedValue(tag: string, text: string): ScalarValue {
  const kind = tag.replace(/^tag:yaml\.org,2002:/, '');
  if (kind === 'binary') return binaryValue(text);
  if (!['bool', 'int', 'float', 'null', 'timestamp'].includes(kind) || kind === tag) return text;
  const value = plainValue(text);
  const found = kindOf(value, text);
  if (kind === 'timestamp' && DATE.test(text)) return text;
  if (kind === 'float' && found === 'int') return Number(value);
  if (kind === found) return value;
  throw new Error(`cannot read ${text} as ${kind}`);
}

function kindOf(value: ScalarValue, text: string): string {
  if (value === null) return 'null';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'string') return 'str';
  return integerValue(text.replaceAll('_', '')) === undefined ? 'float' : 'int';
}

function integerValue(text: string): number | bigint | undefined {
  const form = INTEGERS.find(({ pattern }) => pattern.test(text));
  if (form === undefined) return undefined;
  const [sign, bare] = /^[-+]/.test(text) ? [text[0], text.slice(1)] : ['', text];
  const value = BigInt(form.prefix + bare.slice(form.digits));
  // 64 bits, with or without a sign; longer ones are tried as floats.
  if (value >= (sign === '' ? 2n ** 64n : 2n ** 63n) && !(sign === '-' && value === 2n ** 63n)) return undefined;
  return exact(sign === '-' ? -value : value);
}

/** The same whole number as a double, unless that would round it. */
export function exact(value: bigint): number | bigint {
  return BigInt(Number(value)) === value && Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

function floatValue(text: string): number | undefined {
  const value = FLOAT.test(text) ? Number(text) : Number.NaN;
  return Number.isFinite(value) ? value : undefined;
}

function binaryValue(text: string): string {
  const base64 = text.replaceAll(/[\r\n]/g, '');
  if (base64.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(base64)) throw new Error('!!binary is not base64');
  return Buffer.from(base64, 'base64').toString('utf8');
}
