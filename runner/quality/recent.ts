import type { Motion } from './motion.ts';

/** The last few motions. */
export interface Recent {
  add(motion: Motion): void;
  /** What they usually are: the median of each axis, so that a single jump does not count. Null before the first motion. */
  usual(): Motion | null;
}

export function createRecent(length: number): Recent {
  const motions: Motion[] = [];
  const median = (axis: 0 | 1) => {
    const sorted = motions.map((motion) => motion[axis]).sort((a, b) => a - b);
    return (sorted[(sorted.length - 1) >> 1]! + sorted[sorted.length >> 1]!) / 2;
  };
  return {
    add(motion) {
      motions.push(motion);
      if (motions.length > length) motions.shift();
    },
    usual: () => (motions.length === 0 ? null : [median(0), median(1)]),
  };
}
