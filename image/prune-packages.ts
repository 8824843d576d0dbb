/**
 * Thins out an installation of npm packages to what one image needs: `node image/prune-packages.ts FOLDER IMAGE`, where
 * FOLDER holds `package-lock.json` and `node_modules`.
 */
import { globSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { requireFile, runAsProgram } from './command.ts';
import { contentsOf, isForTools, type ProgramContents } from './contents.ts';
import { type LockFile, neededPackages } from './npm-packages.ts';
import { pruneWords } from './words.ts';

/** Removes from `folder/node_modules` what the program does not need, and what only tools read. Throws `E_IMAGE_FOLDER`. */
export function prunePackages(folder: string, { npmPackages, npmFilesOnly, pruned }: PackageChoice): void {
  requireFile(folder, 'npm packages', 'package-lock.json');
  const lock = JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8')) as LockFile;
  const needed = new Set(neededPackages(lock, npmPackages, npmFilesOnly));
  const remove = (path: string) => rmSync(join(folder, path), { recursive: true, force: true });
  for (const path of Object.keys(lock.packages)) if (path !== '' && !needed.has(path)) remove(path);
  for (const path of pruned) remove(`node_modules/${path}`);
  // Links to programs of packages, and npm's own note of what is installed: nothing in the image uses either.
  for (const path of ['.bin', '.package-lock.json']) remove(`node_modules/${path}`);
  for (const path of globSync('node_modules/**', { cwd: folder })) {
    if (isForTools(path)) remove(path);
  }
  for (const scope of globSync('node_modules/@*', { cwd: folder })) {
    if (readdirSync(join(folder, scope)).length === 0) remove(scope);
  }
}

type PackageChoice = Pick<ProgramContents, 'npmPackages' | 'npmFilesOnly' | 'pruned'>;

await runAsProgram(import.meta, (args) => {
  const { folder, image } = pruneWords(args);
  prunePackages(folder, contentsOf(image));
});
