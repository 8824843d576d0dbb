import { describe, expect, it } from 'vitest';
import { job } from '../../test/build/job.ts';
import { type Cluster, observed } from '../../test/build/observed.ts';
import { videoGeneration, withSpec, withStatus } from '../../test/build/video-generation.ts';
import { decide } from './decide.ts';

const NOW = Date.parse('2026-01-01T00:30:00Z');
const START = { outcome: 'start', actions: [{ type: 'create-job', attempt: 1 }] };

const outline = (cluster: Cluster, isNew: boolean) => {
  const seen = observed(cluster);
  const { verdict, actions, read } = decide(isNew ? { ...seen, isNew } : seen, NOW);
  return { outcome: verdict.outcome, actions, read };
};

describe('a film that nobody has touched since it was made', () => {
  it('is started without being read first', () => {
    expect(outline({}, true)).toEqual({ ...START, read: false });
    expect(outline({}, false)).toEqual({ ...START, read: true });
  });

  it('is read all the same where it has a status, or a Job of it is there', () => {
    const waits = decide(observed({ film: videoGeneration(withSpec({ suspend: true })) }), NOW).status;
    expect(outline({ film: videoGeneration(withStatus(waits)) }, true)).toEqual({ ...START, read: true });
    expect(outline({ jobs: [job(1)], missing: ['job-1'] }, true)).toMatchObject({ outcome: 'live', read: true });
  });
});
