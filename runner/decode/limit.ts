/**
 * Limits a picture to [−1, 1] in place, as the reference does with what its decoder made. False where a number is not finite:
 * limiting would turn it into a colour.
 */
export function limitPicture(planes: Float32Array): boolean {
  let rest = 0;
  for (let i = 0; i < planes.length; i++) {
    const value = planes[i]!;
    rest += value * 0;
    planes[i] = Math.min(1, Math.max(-1, value));
  }
  return rest === 0;
}
