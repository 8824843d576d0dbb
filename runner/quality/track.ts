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

/** The last few steps. */
export interface Recent {
  add(step: Step): void;
  /** What they usually are: the median of each axis, so that a single jump does not count. Null before the first step. */
  usual(): Step | null;
}

export function createRecent(length: number): Recent {
  const steps: Step[] = [];
  const median = (axis: 0 | 1) => {
    const sorted = steps.map((step) => step[axis]).sort((a, b) => a - b);
    return (sorted[(sorted.length - 1) >> 1]! + sorted[sorted.length >> 1]!) / 2;
  };
  return {
    add(step) {
      steps.push(step);
      if (steps.length > length) steps.shift();
    },
    usual: () => (steps.length === 0 ? null : [median(0), median(1)]),
  };
}
