import { why } from '../../api/reasons.ts';
import { liveJob } from '../observed.ts';
import type { Gate } from '../verdict.ts';

/** A spec that the operator cannot carry out starts nothing; what runs already goes on from its frozen spec. */
export const validity: Gate = ({ observed }) => {
  const { spec, problems, hostPathAllowed } = observed;
  if (liveJob(observed) !== undefined) return undefined;
  if (spec === undefined) return { outcome: 'stalled', why: why('InvalidSpec', { problems: problems.join('; ') }) };
  if (spec.model.source.hostPath !== undefined && !hostPathAllowed)
    return { outcome: 'stalled', why: why('HostPathNotAllowed') };
  return undefined;
};
