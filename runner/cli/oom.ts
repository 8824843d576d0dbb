import { readFileSync } from 'node:fs';

/**
 * How many processes of this process's control group the kernel has killed for lack of memory, where it says so (Linux: version
 * 2 in `memory.events`, version 1 in `memory.oom_control`); undefined elsewhere.
 */
export function outOfMemoryKills(): number | undefined {
  for (const file of counterFiles(read('/proc/self/cgroup'))) {
    const count = /^oom_kill (\d+)$/m.exec(read(file))?.[1];
    if (count !== undefined) return Number(count);
  }
  return undefined;
}

/** Where the count may lie, by the lines of `/proc/self/cgroup`; a container sees its own group at the root. */
export function counterFiles(groups: string): readonly string[] {
  const root = '/sys/fs/cgroup';
  const pathOf = (line: RegExp) => (line.exec(groups)?.[1] ?? '').replace(/\/$/, '');
  const second = pathOf(/^0::(.*)$/m);
  const first = pathOf(/^\d+:(?:[^:]*,)?memory(?:,[^:]*)?:(.*)$/m);
  const places = [
    `${root}${second}/memory.events`,
    `${root}/memory.events`,
    `${root}/memory${first}/memory.oom_control`,
    `${root}/memory/memory.oom_control`,
  ];
  return [...new Set(places)];
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
