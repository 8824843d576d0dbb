import { type Brightness, type Motion, motionBetween } from './motion.ts';
import { createRecent } from './recent.ts';
import type { Thumbnail } from './thumbnail.ts';

/** What happens where one block of a film follows another, against what happens inside of blocks. */
export interface Joins {
  readonly count: number;
  /** Change of the picture at joins as a multiple of that inside of blocks: 1 is seamless, and so is a film in which nothing moves. */
  readonly seamRatio: number;
  /** The greatest change at a join as a multiple of the greatest inside. */
  readonly worstSeam: number;
  /** Share of the joins through which motion goes on; null where nothing moves, and then the seams say little. */
  readonly continuity: number | null;
  /** The same of the latents inside of blocks: what this film's motion is like anyway. */
  readonly continuityInside: number | null;
}

/** Watches a film frame by frame, in groups of the frames of one latent. */
export interface JoinMeasure {
  /** The next frame is the first of a block. */
  openBlock(): void;
  add(thumbnail: Thumbnail): void;
  result(): Joins | null;
}

/** Frames of a latent: what happens at a join may be spread over them by the decoder. */
const GROUP = 4;
/** Levels of 0 … 255 that nobody sees: added to both sides, so that a still film has no seams for a little noise. */
const UNSEEN = 0.5;
/** Groups that a motion is compared with. */
const GROUPS_BEFORE = 3;
/** Pixels of a thumbnail within a group: less is no motion. */
const STILL = 0.5;
/** A motion goes on when it differs by no more than this share of itself, or by so many pixels of a thumbnail. */
const SAME_SHARE = 0.5;
const SAME_PIXELS = 1;

/** Measures joins; `onGroup` sees the last picture of each group. */
export function createJoins(onGroup: (thumbnail: Thumbnail) => void): JoinMeasure {
  const atJoins = createChanges();
  const inside = createChanges();
  const recent = createRecent(GROUPS_BEFORE);
  let last: Pick<Thumbnail, 'rgb' | 'luma'> | null = null;
  let groupStart: Brightness | null = null;
  let group = { frames: 0, largest: 0, isJoin: false };

  function close(thumbnail: Thumbnail, start: Brightness): void {
    const motion = motionBetween(start, thumbnail);
    const changes = group.isJoin ? atJoins : inside;
    changes.add(group.largest, recent.usual(), motion);
    recent.add(motion);
    onGroup(thumbnail);
    open(false);
  }

  function open(isJoin: boolean): void {
    if (last !== null) groupStart?.luma.set(last.luma);
    group = { frames: 0, largest: 0, isJoin };
  }

  return {
    openBlock() {
      if (last !== null) open(true);
    },
    add(thumbnail) {
      const { width, height, rgb, luma } = thumbnail;
      if (last === null || groupStart === null) {
        last = { rgb: rgb.slice(), luma: luma.slice() };
        groupStart = { width, height, luma: luma.slice() };
        return;
      }
      group.frames++;
      group.largest = Math.max(group.largest, meanDifference(rgb, last.rgb));
      last.rgb.set(rgb);
      last.luma.set(luma);
      if (group.frames === GROUP) close(thumbnail, groupStart);
    },
    result() {
      const [join, usual] = [atJoins.result(), inside.result()];
      if (join.count === 0 || usual.count === 0) return null;
      return {
        count: join.count,
        seamRatio: (join.mean + UNSEEN) / (usual.mean + UNSEEN),
        worstSeam: (join.greatest + UNSEEN) / (usual.greatest + UNSEEN),
        continuity: join.goesOn,
        continuityInside: usual.goesOn,
      };
    },
  };
}

/** Changes of the picture, and motions that go on or do not. */
function createChanges() {
  let [count, sum, greatest, moving, goingOn] = [0, 0, 0, 0, 0];
  return {
    add(change: number, before: Motion | null, now: Motion): void {
      count++;
      sum += change;
      greatest = Math.max(greatest, change);
      if (before === null) return;
      const speed = Math.hypot(...before);
      if (Math.max(speed, Math.hypot(...now)) < STILL) return;
      moving++;
      const turn = Math.hypot(now[0] - before[0], now[1] - before[1]);
      if (turn <= Math.max(SAME_SHARE * speed, SAME_PIXELS)) goingOn++;
    },
    result: () => ({ count, mean: sum / count, greatest, goesOn: moving === 0 ? null : goingOn / moving }),
  };
}

function meanDifference(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let at = 0; at < a.length; at++) sum += Math.abs(a[at]! - b[at]!);
  return sum / a.length;
}
