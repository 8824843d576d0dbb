/** Where a process's memory is limited, read from the kernel's own files (Linux). Pure: the files are read elsewhere. */

/** Reads a file of the kernel; undefined where there is none. */
export type ReadFile = (path: string) => string | undefined;

/** A limit that was found. */
export interface MemoryRoom {
  /** Bytes that may still be taken: what can be dropped at will (files in memory) counts as free. */
  readonly bytes: number;
  /** What sets it, and of how much: "this machine", " free of 23.54 GiB". */
  readonly place: string;
  readonly of: string;
}

const ROOT = '/sys/fs/cgroup';
/** Version 1 says "no limit" by a number of about this size. */
const UNLIMITED = 2 ** 60;

/** The least room among the machine's memory and this process's control groups; undefined where nobody tells. */
export function memoryRoom(read: ReadFile): MemoryRoom | undefined {
  const all = [machineRoom(read('/proc/meminfo') ?? ''), ...groupRooms(read('/proc/self/cgroup') ?? '', read)];
  const known = all.filter((room) => room !== undefined);
  return known.toSorted((a, b) => a.bytes - b.bytes)[0];
}

/** What the kernel could give without swapping, of `/proc/meminfo`. */
export function machineRoom(text: string): MemoryRoom | undefined {
  const available = /^MemAvailable:\s+(\d+) kB$/m.exec(text)?.[1];
  const total = /^MemTotal:\s+(\d+) kB$/m.exec(text)?.[1];
  if (available === undefined) return undefined;
  const of = total === undefined ? ' free' : ` free of ${gibibytes(Number(total) * 1024)}`;
  return { bytes: Number(available) * 1024, place: 'this machine', of };
}

/** Rooms of a process's control groups of both versions, and of all groups above them: each limits what is in it. */
function groupRooms(groups: string, read: ReadFile): readonly (MemoryRoom | undefined)[] {
  const second = /^0::(.*)$/m.exec(groups)?.[1];
  const first = /^\d+:(?:[^:]*,)?memory(?:,[^:]*)?:(.*)$/m.exec(groups)?.[1];
  return [
    ...(second === undefined ? [] : groupsAbove(second).map((path) => groupRoomV2(`${ROOT}${path}`, read))),
    ...(first === undefined ? [] : groupsAbove(first).map((path) => groupRoomV1(`${ROOT}/memory${path}`, read))),
  ];
}

/** `/a/b` → `/a/b`, `/a`, and the root: in a container the file names a path that it cannot see, and its own group is the root. */
export function groupsAbove(path: string): readonly string[] {
  const parts = path.split('/').filter((part) => part !== '' && part !== '..');
  return Array.from({ length: parts.length + 1 }, (_, above) =>
    parts
      .slice(0, parts.length - above)
      .map((part) => `/${part}`)
      .join(''),
  );
}

/** Room of a group of version 2. Past `memory.high` its processes are slowed down until next to nothing moves: no room, either. */
export function groupRoomV2(folder: string, read: ReadFile): MemoryRoom | undefined {
  const limit = least(numberIn(read(`${folder}/memory.max`)), numberIn(read(`${folder}/memory.high`)));
  const used = numberIn(read(`${folder}/memory.current`));
  return roomOf(limit, used, droppable(read(`${folder}/memory.stat`), 'active_file', 'inactive_file'), folder);
}

/** Room of a group of version 1. Its statistics know the limits of groups above, which a container does not see. */
export function groupRoomV1(folder: string, read: ReadFile): MemoryRoom | undefined {
  const stat = read(`${folder}/memory.stat`);
  const above = /^hierarchical_memory_limit (\d+)$/m.exec(stat ?? '')?.[1];
  const limit = least(numberIn(read(`${folder}/memory.limit_in_bytes`)), numberIn(above));
  const used = numberIn(read(`${folder}/memory.usage_in_bytes`));
  return roomOf(limit, used, droppable(stat, 'total_active_file', 'total_inactive_file'), folder);
}

function roomOf(
  limit: number | undefined,
  used: number | undefined,
  free: number,
  folder: string,
): MemoryRoom | undefined {
  if (limit === undefined || limit >= UNLIMITED) return undefined;
  const held = Math.max(0, (used ?? 0) - free);
  const of = ` left of its limit of ${gibibytes(limit)}`;
  return { bytes: Math.max(0, limit - held), place: `its control group (${folder})`, of };
}

function droppable(stat = '', ...names: readonly string[]): number {
  return names.reduce((sum, name) => sum + Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(stat)?.[1] ?? 0), 0);
}

function least(...limits: readonly (number | undefined)[]): number | undefined {
  const known = limits.filter((limit) => limit !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

/** "max", as version 2 says "no limit", is no number. */
function numberIn(text = ''): number | undefined {
  return /^\d+$/.test(text.trim()) ? Number(text) : undefined;
}

/** Bytes as the plan's messages write them. */
export function gibibytes(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(2)} GiB`;
}
