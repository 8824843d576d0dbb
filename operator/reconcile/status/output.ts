import { defined } from '../../api/defined.ts';
import type { OutputStatus } from '../../api/status.ts';
import { outputLocation } from '../../job/names.ts';
import type { Observed } from '../observed.ts';
import type { Verdict } from '../verdict.ts';

/** The film, once it is ready: as the runner described it, located as people outside the pod find it. */
export function outputOf({ spec }: Observed, verdict: Verdict): OutputStatus | undefined {
  const film = verdict.outcome === 'complete' ? verdict.result?.film : undefined;
  if (film === undefined) return undefined;
  const { location, frames, seconds, bytes, sha256, width, height, fps, codec, precision } = film;
  const found = spec === undefined ? location : outputLocation(spec, location);
  return { location: found, frames, seconds, bytes, sha256, width, height, fps, codec, ...defined({ precision }) };
}
