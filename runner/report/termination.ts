import { closeSync, constants, fstatSync, openSync, writeFileSync } from 'node:fs';
import { type Result, resultJson } from '#contract/result.ts';

/** Whoever reads a pipe late, or never, must not keep the process from its end. */
const FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NONBLOCK | constants.O_NOCTTY;

/**
 * Leaves the result where Kubernetes picks it up as the container's termination message; needs no network and no operator.
 * Throws where that is no regular file, or none that can be written.
 */
export function writeTerminationMessage(file: string, result: Result): void {
  const descriptor = openSync(file, FLAGS, 0o644);
  try {
    if (!fstatSync(descriptor).isFile()) throw new Error(`${file} is not a regular file`);
    writeFileSync(descriptor, resultJson(result));
  } finally {
    closeSync(descriptor);
  }
}
