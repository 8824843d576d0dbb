/** Before the cluster tests: says why they are skipped, if they are, which they are, and what to do about it. */
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { clusterSupport } from './support.ts';

/** Files of the tests that need a real Kubernetes; `vitest.config.ts` runs them one at a time. */
export const CLUSTER_TESTS = ['test/cluster/cluster*.test.ts', 'test/end-to-end/**/*.test.ts'];

/** Called once by vitest before the first cluster test. In CI what stands in the way is thrown. */
export function setup(): void {
  const support = clusterSupport();
  if (support.ok) return;
  const files = globSync(CLUSTER_TESTS, { cwd: join(import.meta.dirname, '../..') }).sort();
  const lines = [`${support.code}: ${support.reason}`, ...files.map((file) => `  skipped: ${file}`)];
  process.stderr.write(`${lines.join('\n')}\n`);
}
