/** What makes the URL of a file, and so what of a source may be one. */
const FILE_URL = /\bimport\.meta\.(?:url|resolve)\b|\bpathToFileURL\b|['"`]file:/;
const AS_PATH = /\bpathname\b|\bimport\.meta\.url\s*\.\s*(?:replace|slice|split|substring)\b/;

/**
 * Numbers of the lines of a source that take the path out of a file's URL: what a URL encodes, such as a space, is encoded in it still, so
 * there is no such file. `import.meta.dirname` and `fileURLToPath` give the path.
 */
export function pathsOutOfUrls(text: string): readonly number[] {
  if (!FILE_URL.test(text)) return [];
  return text.split('\n').flatMap((line, index) => (AS_PATH.test(line) ? [index + 1] : []));
}
