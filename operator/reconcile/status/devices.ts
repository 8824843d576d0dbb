import type { ConditionsSaid } from '../../api/conditions.ts';
import { why } from '../../api/reasons.ts';
import { podOf } from '../observed.ts';
import type { Context, Verdict } from '../verdict.ts';

/** Condition `DevicesUnhealthy`: the kubelet calls devices of a runner at work unhealthy. Nothing is said where it never did. */
export function devicesCondition({ observed: { status }, attempts }: Context, verdict: Verdict): ConditionsSaid {
  const pod = verdict.outcome === 'live' ? podOf(verdict.job) : undefined;
  const attempt = pod?.state === 'running' ? attempts.find(({ podUid }) => podUid === pod.uid) : undefined;
  const unhealthy = attempt?.unhealthyDevices ?? [];
  if (pod !== undefined && unhealthy.length > 0) {
    const values = { pod: pod.name, devices: unhealthy.join(', ') };
    return { DevicesUnhealthy: { status: 'True', ...why('DeviceUnhealthy', values) } };
  }
  const before = status?.conditions?.some(({ type }) => type === 'DevicesUnhealthy') ?? false;
  return before ? { DevicesUnhealthy: { status: 'False', ...why('DevicesAreHealthy') } } : {};
}
