/** The little of DER (ITU-T X.690) that certificates are written in. Every function gives one encoded value. */

const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

export const sequence = (...parts: readonly Uint8Array[]) => tagged(TAG.sequence, Buffer.concat(parts));
export const set = (...parts: readonly Uint8Array[]) => tagged(TAG.set, Buffer.concat(parts));
export const octetString = (bytes: Uint8Array) => tagged(TAG.octetString, bytes);
export const utf8String = (text: string) => tagged(TAG.utf8String, Buffer.from(text, 'utf8'));
export const boolean = (value: boolean) => tagged(TAG.boolean, Buffer.from([value ? 0xff : 0]));

/** Whole bytes, or `unusedBits` fewer bits. */
export const bitString = (bytes: Uint8Array, unusedBits = 0) =>
  tagged(TAG.bitString, Buffer.concat([Buffer.from([unusedBits]), bytes]));

/** A value under a tag of its context; `constructed` if it holds encoded values. */
export const context = (tag: number, constructed: boolean, bytes: Uint8Array) =>
  tagged(0x80 | (constructed ? 0x20 : 0) | tag, bytes);

/** A number that is not negative, from its bytes. */
export function integer(bytes: Uint8Array): Buffer {
  const start = bytes.findIndex((byte) => byte !== 0);
  const digits = start === -1 ? Buffer.from([0]) : Buffer.from(bytes.subarray(start));
  const positive = (digits[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.from([0]), digits]) : digits;
  return tagged(TAG.integer, positive);
}

/** `1.2.840.10045.4.3.2` */
export function oid(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number);
  return tagged(TAG.oid, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

/** Seconds of UTC; years before 2050 with two digits, as RFC 5280 wants them. */
export function time(date: Date): Buffer {
  const text = `${date.toISOString().slice(0, 19).replace(/[-:T]/g, '')}Z`;
  if (date.getUTCFullYear() < 2050) return tagged(TAG.utcTime, Buffer.from(text.slice(2), 'ascii'));
  return tagged(TAG.generalizedTime, Buffer.from(text, 'ascii'));
}

function tagged(tag: number, content: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([tag]), length(content.length), content]);
}

function length(bytes: number): Buffer {
  if (bytes < 0x80) return Buffer.from([bytes]);
  const digits: number[] = [];
  for (let rest = bytes; rest > 0; rest = Math.floor(rest / 256)) digits.unshift(rest % 256);
  return Buffer.from([0x80 | digits.length, ...digits]);
}

function base128(value: number): number[] {
  const digits = [value % 128];
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) digits.unshift(0x80 | (rest % 128));
  return digits;
}
