import { defineConfig } from 'vitest/config';
import { CLUSTER_TESTS } from './test/cluster/announce.ts';

/**
 * One suite, in two projects: `unit` runs files side by side; `cluster` runs what needs a real Kubernetes, one file at a time.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['{runner,operator,crds,charts,test,image,tools}/**/*.test.ts'],
          exclude: CLUSTER_TESTS,
          pool: 'forks',
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'cluster',
          include: CLUSTER_TESTS,
          globalSetup: ['test/cluster/announce.ts'],
          pool: 'forks',
          fileParallelism: false,
          testTimeout: 1_200_000,
          hookTimeout: 3_600_000,
        },
      },
    ],
  },
});
