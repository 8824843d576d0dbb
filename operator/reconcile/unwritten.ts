import { defined } from '../api/defined.ts';
import type { Claim, VideoGenerationStatus } from '../api/status.ts';

/**
 * A status with what is known of its claim beyond it: which Job came of it, and whether what that makes was written down. As long
 * as the Job is there it says so itself, so this waits for other news: a film would cost one write more.
 */
export function withUnwritten<T extends VideoGenerationStatus | undefined>(status: T, known: Claim | undefined): T {
  const claim = status?.claim;
  if (claim === undefined || known === undefined || !isSame(claim, known)) return status;
  return { ...status, claim: { ...claim, ...defined({ jobUid: known.jobUid, frozen: known.frozen }) } };
}

function isSame(claim: Claim, known: Claim): boolean {
  const keys = ['attempt', 'job', 'generation', 'specHash'] as const;
  return keys.every((key) => claim[key] === known[key]) && (claim.jobUid ?? known.jobUid) === known.jobUid;
}
