/** A moment in milliseconds as Kubernetes writes it: whole seconds, UTC. */
export function timeText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/** The milliseconds of a moment as {@link timeText} writes it. */
export function millisecondsOf(time: string): number {
  return Date.parse(time);
}

/** A moment that was written down, or its limit where it lies beyond that. */
export function notAfter(time: string, limit: string): string {
  return millisecondsOf(time) > millisecondsOf(limit) ? limit : time;
}

/** A stretch of time as people read it: `48s`, `12m05s`, `3h20m`, `2d4h`. */
export function durationText(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const two = (value: number) => String(value).padStart(2, '0');
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m${two(whole % 60)}s`;
  if (whole < 86_400) return `${Math.floor(whole / 3600)}h${two(Math.floor((whole % 3600) / 60))}m`;
  return `${Math.floor(whole / 86_400)}d${Math.floor((whole % 86_400) / 3600)}h`;
}
