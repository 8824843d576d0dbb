/** Which npm packages a program needs of all that a lock file installs. */

/** As much of `package-lock.json` as is read: folder of a package → what it needs. */
export interface LockFile {
  readonly packages: Readonly<Record<string, LockedPackage>>;
}

interface LockedPackage {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

/**
 * Folders of the packages `names` and of all that these need, sorted. `filesOnly`: packages whose own needs are not
 * followed. Optional packages of other machines are among them; peers only where the lock file has them.
 */
export function neededPackages(lock: LockFile, names: readonly string[], filesOnly: readonly string[] = []): string[] {
  const needed = new Set<string>();
  const open = names.map((name) => ({ name, from: '' }));
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const folder = resolvePackage(lock, next.name, next.from);
    if (folder === undefined || needed.has(folder)) continue;
    needed.add(folder);
    if (filesOnly.includes(next.name)) continue;
    const { dependencies, optionalDependencies, peerDependencies } = lock.packages[folder] ?? {};
    const wanted = { ...dependencies, ...optionalDependencies, ...peerDependencies };
    open.push(...Object.keys(wanted).map((name) => ({ name, from: folder })));
  }
  return [...needed].sort();
}

/** Folder where Node finds the package `name` from a module in the folder `from`: the nearest `node_modules` upwards. */
function resolvePackage(lock: LockFile, name: string, from: string): string | undefined {
  for (let at = from; ; at = at.slice(0, Math.max(at.lastIndexOf('/node_modules/'), 0))) {
    const folder = at === '' ? `node_modules/${name}` : `${at}/node_modules/${name}`;
    if (folder in lock.packages) return folder;
    if (at === '') return undefined;
  }
}
