/** To the right and downwards. */
export type Step = readonly [number, number];

/** Steps of an object, as their count and mean. */
export interface Track {
  add(step: Step): void;
  count(): number;
  mean(): Step;
}

export function createTrack(): Track {
  let [count, x, y] = [0, 0, 0];
  return {
    add(step) {
      count++;
      x += step[0];
      y += step[1];
    },
    count: () => count,
    mean: () => [x / count, y / count],
  };
}
