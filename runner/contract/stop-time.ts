/** A runner's grace period, for it to read: seconds from being told to stop until it is killed. */
export const GRACE_VARIABLE = 'DUALPARAL_GRACE_SECONDS';

/** Of a runner that nobody has told. */
export const USUAL_GRACE_SECONDS = 60;

/** Between its own limit and the end of the grace period, to say what happened. */
export const LAST_WORDS_SECONDS = 10;

/** Milliseconds after which a runner that was told to stop gives up, so that it can still say so: of 60 s, 50. */
export function stopMilliseconds(graceText: string | undefined): number {
  const told = Number(graceText);
  const grace = graceText !== undefined && Number.isFinite(told) && told > 0 ? told : USUAL_GRACE_SECONDS;
  return 1000 * (grace - Math.min(LAST_WORDS_SECONDS, grace / 6));
}
