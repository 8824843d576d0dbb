import { writeFileSync } from 'node:fs';
import { type Result, resultJson } from '#contract/result.ts';

/** Leaves the result where Kubernetes picks it up as the container's termination message; needs no network and no operator. */
export function writeTerminationMessage(file: string, result: Result): void {
  writeFileSync(file, resultJson(result));
}
