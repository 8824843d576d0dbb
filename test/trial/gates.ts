import type { Summary } from './summary.ts';

/** A figure that must hold. */
export interface Gate {
  readonly name: string;
  readonly found: number;
  readonly wanted: number;
  /** Whether `wanted` is the least or the most that may be found. */
  readonly limit: 'least' | 'most';
  readonly holds: boolean;
}

const least = (name: string, found: number, wanted: number): Gate => ({
  name,
  found,
  wanted,
  limit: 'least',
  holds: found >= wanted,
});
const most = (name: string, found: number, wanted: number): Gate => ({
  name,
  found,
  wanted,
  limit: 'most',
  holds: found <= wanted,
});

/** What plain short films of held-out prompts must reach. */
export function plainGates({ colour, shape, direction }: Summary): readonly Gate[] {
  return [
    least('plain: strict colour, share of frames', colour, 0.95),
    least('plain: shape, share of frames', shape, 0.85),
    least('plain: direction, share of films', direction, 0.9),
  ];
}

/** What long DualParal films of held-out prompts must reach. A film without joins has no seam to be good at. */
export function longGates({
  colourByQuarter,
  directionKept,
  seamRatio,
  joinsKept,
  collapsed,
}: Summary): readonly Gate[] {
  return [
    ...colourByQuarter.map((colour, at) =>
      least(`long: strict colour in quarter ${at + 1}, share of frames`, colour, 0.95),
    ),
    least('long: direction kept in every quarter, share of films', directionKept, 0.85),
    most('long: seam ratio, mean', seamRatio ?? Number.POSITIVE_INFINITY, 1.2),
    least('long: joins through which the object moves on, share', joinsKept ?? 0, 0.85),
    most('long: collapsed, share of films', collapsed, 0),
  ];
}
