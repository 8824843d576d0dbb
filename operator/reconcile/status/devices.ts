import type { ConditionsSaid } from '../../api/conditions.ts';
import { why } from '../../api/reasons.ts';
import { type Observed, podOf } from '../observed.ts';
import type { Verdict } from '../verdict.ts';

/** Condition `DevicesUnhealthy`: the kubelet calls devices of a runner at work unhealthy. Nothing is said where it never did. */
export function devicesCondition({ status }: Observed, verdict: Verdict): ConditionsSaid {
  const pod = verdict.outcome === 'live' ? podOf(verdict.job) : undefined;
  const { unhealthy = [] } = pod?.state === 'running' ? pod : {};
  if (pod !== undefined && unhealthy.length > 0) {
    const values = { pod: pod.name, devices: unhealthy.join(', ') };
    return { DevicesUnhealthy: { status: 'True', ...why('DeviceUnhealthy', values) } };
  }
  const before = status?.conditions?.some(({ type }) => type === 'DevicesUnhealthy') ?? false;
  return before ? { DevicesUnhealthy: { status: 'False', ...why('DevicesAreHealthy') } } : {};
}
