/** Whether all libraries that the loader will look for are in an image. */

export interface LibraryNeeds {
  /** Name of its file. */
  readonly file: string;
  readonly needed: readonly string[];
}

export interface MissingLibrary {
  readonly library: string;
  readonly neededBy: readonly string[];
}

/** Libraries that are needed and not in `present`, each with all that need it, sorted by name. */
export function missingLibraries(
  libraries: readonly LibraryNeeds[],
  present: ReadonlySet<string>,
): readonly MissingLibrary[] {
  const missing = new Map<string, string[]>();
  for (const { file, needed } of libraries) {
    for (const library of needed) {
      if (!present.has(library)) missing.set(library, [...(missing.get(library) ?? []), file]);
    }
  }
  const sorted = [...missing].sort(([one], [other]) => (one < other ? -1 : 1));
  return sorted.map(([library, neededBy]) => ({ library, neededBy }));
}

/** One line for people: `libz.so.1 (needed by a.so, b.so), …`. */
export function missingText(missing: readonly MissingLibrary[]): string {
  return missing.map(({ library, neededBy }) => `${library} (needed by ${neededBy.join(', ')})`).join(', ');
}

/** Names of the libraries that the loader finds in the system's folders, among the paths of an image's files. */
export function systemLibraries(paths: Iterable<string>): Set<string> {
  const found = new Set<string>();
  for (const path of paths) {
    const match = /^\.?\/(?:usr\/)?lib(?:64|\/x86_64-linux-gnu)?\/([^/]+\.so(?:\.[^/]*)?)$/.exec(path);
    if (match?.[1] !== undefined) found.add(match[1]);
  }
  return found;
}
