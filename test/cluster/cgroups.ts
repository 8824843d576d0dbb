/** The cluster's cgroup in every hierarchy of this machine (v1 has several, v2 one): made before the kubelet, removed after it. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';

/** Mount points of all cgroup hierarchies, from the text of a `mountinfo`. */
export function cgroupMounts(mountInfo: string): string[] {
  return mountInfo.split('\n').flatMap((line) => {
    const [fields = '', kind = ''] = line.split(' - ');
    const mountPoint = fields.split(' ')[4];
    return /^cgroup2? /.test(kind) && mountPoint !== undefined ? [mountPoint] : [];
  });
}

function mounts(): string[] {
  return cgroupMounts(readFileSync('/proc/self/mountinfo', 'utf8'));
}

export function makeCgroups(name: string): void {
  for (const mount of mounts()) mkdirSync(join(mount, name), { recursive: true });
}

function removeTree(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) removeTree(join(folder, entry.name));
  }
  rmdirSync(folder);
}

/** Removes the cgroups and returns those that could not be removed yet, because a process in them is still ending. */
export function removeCgroups(name: string): string[] {
  return mounts()
    .map((mount) => join(mount, name))
    .filter((folder) => {
      if (!existsSync(folder)) return false;
      try {
        removeTree(folder);
        return false;
      } catch {
        return existsSync(folder);
      }
    });
}
