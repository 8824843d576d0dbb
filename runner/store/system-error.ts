import { constants } from 'node:os';

/** The disk or the server behind a file did not answer, or not for this handle: that passes, or somebody mends it. */
const UNREACHABLE = new Set(['EIO', 'ESTALE', 'ETIMEDOUT', 'ENOTCONN']);

const NAMES: ReadonlyMap<number, string> = new Map(Object.entries(constants.errno).map(([name, code]) => [code, name]));

/** Name of a system error: Node does not name all of them (`Unknown system error -116` is ESTALE). */
export function errorName({ code = '', errno }: NodeJS.ErrnoException): string {
  return code.startsWith('Unknown') ? (NAMES.get(Math.abs(errno ?? 0)) ?? code) : code;
}

/** Whether another try may find the disk or volume well again. */
export function isUnreachable(error: unknown): boolean {
  return error instanceof Error && UNREACHABLE.has(errorName(error));
}
