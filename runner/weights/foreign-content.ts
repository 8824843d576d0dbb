import { shortText } from '../model/short-json.ts';

/** What lies in a file instead of what its name promises. */
export interface ForeignContent {
  readonly kind: 'pointer' | 'page' | 'format' | 'nothing';
  /** In words that follow "the file is" or "the file holds". */
  readonly what: string;
}

/** Endings that download programs give to what is not complete. */
export const UNFINISHED = /\.(incomplete|part|partial|aria2|crdownload|download|tmp|!qB)$/i;
/** Bytes of a file's start that are enough to tell. */
export const HEAD_BYTES = 1024;

/** A Git LFS pointer, whoever's server it names. */
const LFS_POINTER = /^version https?:\/\/\S+\n(ext-\S+ \S+\n)*oid sha256:[0-9a-f]{64}\n/;
const OTHER_POINTER = /^(\/annex\/objects\/|# xet version |\.\.\/\.git\/annex\/)/;
const HTML = /^\s*<(!doctype html|html|head|body|!--)/i;
const XML = /^\s*<(\?xml|error)/i;
/** Answers of servers that people save as files. */
const ANSWER =
  /^\s*(entry not found|repository not found|invalid username or password|invalid credentials|access to \S+ \S+ is restricted|not found\s*$|40[134]\b|429\b|50[0234]\b|unauthorized|forbidden|internal server error|too many requests|rate limit)/i;
const JSON_ANSWER = /^\s*\{\s*"(error|message)"\s*:\s*"/;

/** Beginnings of files of other formats. */
const FORMATS: readonly (readonly [what: string, start: string])[] = [
  ['a GGUF file', 'GGUF'],
  ['a PyTorch file or another zip archive', 'PK\x03\x04'],
  ['a PyTorch file of an old kind', '\x80\x02\x8a\x0a'],
  ['a pickled PyTorch or Python file', '\x80\x02}'],
  ['a pickled PyTorch or Python file', '\x80\x04\x95'],
  ['an HDF5 file', '\x89HDF\r\n'],
  ['a gzip archive', '\x1f\x8b\x08'],
  ['a zstd archive', '\x28\xb5\x2f\xfd'],
  ['an xz archive', '\xfd7zXZ'],
  ['a 7z archive', '7z\xbc\xaf'],
];

/**
 * Says what a file is that cannot be what its name says, by its first {@link HEAD_BYTES}; undefined when nothing is recognised.
 * For files that failed to be read as what they should be: some beginnings could by chance be those of a sound file.
 */
export function foreignContent(head: Uint8Array): ForeignContent | undefined {
  if (head.length === 0) return { kind: 'nothing', what: 'empty' };
  if (head.every((byte) => byte === 0)) return { kind: 'nothing', what: 'nothing but zeros' };
  const bytes = Buffer.from(head).toString('latin1');
  const format = FORMATS.find(([, start]) => bytes.startsWith(start));
  if (format !== undefined) return { kind: 'format', what: format[0] };
  const text = Buffer.from(head)
    .toString('utf8')
    .replace(/^\ufeff/, '')
    .replaceAll('\r\n', '\n');
  if (LFS_POINTER.test(text)) return { kind: 'pointer', what: 'a Git LFS pointer' };
  if (OTHER_POINTER.test(text)) return { kind: 'pointer', what: "a pointer to another store's file" };
  if (HTML.test(text)) return { kind: 'page', what: 'a web page' };
  if (XML.test(text)) return { kind: 'page', what: "a server's answer in XML" };
  if (ANSWER.test(text) || JSON_ANSWER.test(text)) {
    return { kind: 'page', what: `a server's answer (${shortText(text.trim().replace(/\s+/g, ' '))})` };
  }
  return undefined;
}
