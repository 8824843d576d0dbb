import type { Attempt, ProgressStatus, Sized, VideoGenerationStatus } from '../../api/status.ts';

/*
 * What a status has room for, whatever clusters and runners say. A status is written again and again, kept in etcd and in
 * every watcher's memory: none grows beyond 32 KB (`largest.test.ts`).
 */

/** A reason is one word. */
const REASON_BYTES = 128;
const MESSAGE_BYTES = 800;
/** Of what people should know, all together. */
const WARNINGS_BYTES = 1_600;
/** As many as a spec may ask for. */
const STAGES = 64;
const DEVICE_BYTES = 32;
/** So many devices that are unhealthy are named, with what is said of each. */
const UNHEALTHY = 8;
const UNHEALTHY_BYTES = 128;
const ELLIPSIS = '…';

/** A text cut to so many bytes of JSON, none of its characters in two; the same again if it was cut before. */
export function boundedText(text: string, bytes: number): string {
  if (text.length * 6 <= bytes || jsonBytes(text) <= bytes) return text;
  let left = bytes - jsonBytes(ELLIPSIS);
  let kept = '';
  for (const character of text) {
    left -= jsonBytes(character);
    if (left < 0) break;
    kept += character;
  }
  return `${kept}${ELLIPSIS}`;
}

/** Bytes of a value as JSON; of a text, without its quotes. */
export function jsonBytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value)) - (typeof value === 'string' ? 2 : 0);
}

interface Said {
  readonly reason?: string | undefined;
  readonly message?: string | undefined;
}

/** Reason and message of anything, where they are. */
function boundedWhy<T extends Said>(said: T, bytes = MESSAGE_BYTES): T {
  const { reason, message } = said;
  return {
    ...said,
    ...(reason === undefined ? {} : { reason: boundedText(reason, REASON_BYTES) }),
    ...(message === undefined ? {} : { message: boundedText(message, bytes) }),
  };
}

/** An attempt with room for its words. */
export function boundedAttempt(attempt: Attempt): Attempt {
  const { gpusReason, unhealthyDevices } = attempt;
  return {
    ...boundedWhy(attempt),
    ...(gpusReason === undefined ? {} : { gpusReason: boundedText(gpusReason, MESSAGE_BYTES) }),
    ...(unhealthyDevices === undefined ? {} : { unhealthyDevices: boundedDevices(unhealthyDevices) }),
  };
}

function boundedDevices(devices: readonly string[]): string[] {
  return devices.slice(0, UNHEALTHY).map((device) => boundedText(device, UNHEALTHY_BYTES));
}

/** A status whose texts and lists have an end; its attempts have bounds of their own (`kept-attempts.ts`). */
export function bounded(status: VideoGenerationStatus): VideoGenerationStatus {
  const { conditions, plan, progress, output, checkpoint, claim } = status;
  const bytesOf = (type: string) => (type === 'Warnings' ? WARNINGS_BYTES : MESSAGE_BYTES);
  return {
    ...boundedWhy(status),
    conditions: conditions.map((condition) => boundedWhy(condition, bytesOf(condition.type))),
    ...(plan === undefined ? {} : { plan: boundedPlan(plan) }),
    ...(progress === undefined ? {} : { progress: boundedProgress(progress) }),
    ...(claim?.sized === undefined ? {} : { claim: { ...claim, sized: boundedSize(claim.sized) } }),
    ...(checkpoint === undefined
      ? {}
      : { checkpoint: { ...checkpoint, location: boundedText(checkpoint.location, MESSAGE_BYTES) } }),
    ...(output === undefined ? {} : { output: { ...output, codec: boundedText(output.codec, REASON_BYTES) } }),
  };
}

function boundedSize({ gpus, why }: Sized): Sized {
  return { gpus, why: boundedText(why, MESSAGE_BYTES) };
}

function boundedPlan(plan: NonNullable<VideoGenerationStatus['plan']>): typeof plan {
  const stages = plan.stages.slice(0, STAGES);
  return { ...plan, stages: stages.map((stage) => ({ ...stage, device: boundedText(stage.device, DEVICE_BYTES) })) };
}

/** Whole warnings, as long as there is room. */
function boundedProgress(progress: ProgressStatus): ProgressStatus {
  const { warnings } = progress;
  if (warnings === undefined) return progress;
  const kept: string[] = [];
  let left = WARNINGS_BYTES;
  for (const warning of warnings) {
    if (left <= 0) break;
    const text = boundedText(warning, Math.max(left, ELLIPSIS.length * 3));
    kept.push(text);
    left -= jsonBytes(text) + 3;
  }
  return { ...progress, warnings: kept };
}
