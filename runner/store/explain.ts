import { CodedError } from '#contract/error.ts';
import { storeError } from './errors.ts';
import { errorName, isUnreachable } from './system-error.ts';

const READ_ONLY = new Set(['EROFS', 'EACCES', 'EPERM']);
const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);
const NOT_FOLDER = new Set(['ENOTDIR', 'EEXIST', 'ELOOP', 'ENAMETOOLONG']);

/** A system error as one of this room's; `verb` completes "cannot … the path". Anything else stays as it is. */
export function explain(error: unknown, verb: string, path: string): unknown {
  if (error instanceof CodedError || !isSystemError(error)) return error;
  const reason = reasonOf(error);
  if (error.code === 'ENOENT' && verb === 'read') return storeError('E_STORE_MISSING', { path }, error);
  if (isUnreachable(error)) return storeError('E_STORE_UNREACHABLE', { verb, path, reason }, error);
  if (FULL.has(errorName(error))) return storeError('E_STORE_FULL', { path, reason }, error);
  if (READ_ONLY.has(error.code) && verb !== 'read') return storeError('E_STORE_READ_ONLY', { path, reason }, error);
  if (NOT_FOLDER.has(error.code)) return storeError('E_STORE_NOT_FOLDER', { path, reason }, error);
  return storeError('E_STORE_FAILED', { verb, path, reason }, error);
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException & { code: string } {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && 'syscall' in error;
}

/** Whether a system call failed with `code`. */
export function isCode(error: unknown, code: string): boolean {
  return isSystemError(error) && error.code === code;
}

/** `ENOSPC: no space left on device`, without the call and the path. */
export function reasonOf(error: NodeJS.ErrnoException): string {
  return `${errorName(error)}: ${error.message.replace(/^([A-Z0-9]+|Unknown system error -\d+): /, '').replace(/,.*$/s, '')}`;
}
