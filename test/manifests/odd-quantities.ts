import { film } from './film.ts';

const QUANTITIES: readonly string[] = [
  ...['"500m"', '.5', '".5"', '"1."', '"1e3"', '"1E-2"', '"1e1.5"', '"2E"', '"64GB"', '"64Gi"', '"4 Gi"', '""', '"+4"'],
  ...['-4', '1e3', 'true', '"true"', '0x10', '4.0', `"${'1'.repeat(32)}"`, `"${'1'.repeat(33)}"`],
];

/** Quantities of a pod's resources given in odd ways. */
export const ODD_QUANTITIES: readonly (readonly [string, string])[] = QUANTITIES.map((quantity) => {
  const runner = `{ resources: { limits: { cpu: ${quantity} } } }`;
  return [`runner: ${runner}`, film({ runner })] as const;
});
