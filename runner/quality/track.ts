/** Steps of an object, as their count and mean; of all of them, or of the last few. */
export interface Track {
  add(step: readonly [number, number]): void;
  count(): number;
  mean(): readonly [number, number];
}

/** A track of all steps, or of the last `length`. */
export function createTrack(length?: number): Track {
  const recent: (readonly [number, number])[] = [];
  let count = 0;
  let x = 0;
  let y = 0;
  return {
    add(step) {
      count++;
      x += step[0];
      y += step[1];
      if (length === undefined) return;
      recent.push(step);
      if (recent.length <= length) return;
      const old = recent.shift()!;
      count--;
      x -= old[0];
      y -= old[1];
    },
    count: () => count,
    mean: () => [x / count, y / count],
  };
}
