/** What there is to cut, in the time that a layer takes for an item. */
export interface RunTimes {
  readonly layers: number;
  /** 2 where each guidance branch has stages of its own: both lines have the same slices, and there is one decoder. */
  readonly lines: number;
  /** What the stages of a line do besides layers and decoding. */
  readonly besides: readonly number[];
  /** The decoder's units, for what is decoded per item; all 0 where decoding takes no stage's time. */
  readonly units: readonly number[];
}

/** What a run's stages hold at a pace. */
export interface Packed {
  /** Most layers of a line; −∞ where the decoder and a layer of each stage are too much. */
  readonly layers: number;
  /** Where the decoder's parts end with so many, in order. */
  readonly ends: readonly number[];
}

/** Consecutive units in several parts, none of them empty, so that the longest is as short as it can be. */
interface Split {
  readonly longest: number;
  readonly ends: readonly number[];
}

/** Sums of the same times in another order differ by less. */
const ROUNDING = 1e-9;
const TOO_MUCH: Packed = { layers: -Infinity, ends: [] };
const IMPOSSIBLE: Split = { longest: Infinity, ends: [] };

/**
 * Tells what a run holds at a pace with the decoder in 1, 2, … parts, on the last devices, of two lines on those of either in turn. From
 * the end backwards: whatever unit the last parts begin with, the most layers of their stages are those of the best end of the first one.
 */
export function packer({ layers, lines, besides, units }: RunTimes): (pace: number) => readonly Packed[] {
  const splits = Array.from({ length: lines }, (_, more) => splitsOf(units, more + 1));
  const counts = Array.from({ length: Math.min(lines * besides.length, units.length) }, (_, index) => index + 1);
  const stageOf = (count: number) => besides.length - Math.ceil(count / lines);

  return (pace) => {
    const roomAt = (stage: number, decoding: number) => {
      const room = Math.floor(pace - besides[stage]! - decoding + ROUNDING);
      return room < 1 ? -Infinity : Math.min(room, layers);
    };
    const bestOf = (stage: number, ways: readonly Split[], behind: readonly Packed[]) => {
      let best = TOO_MUCH;
      for (let end = 0; end < ways.length; end++) {
        const { longest, ends } = ways[end]!;
        const held = roomAt(stage, longest) + behind[end]!.layers;
        if (held > best.layers) best = { layers: held, ends: [...ends, ...behind[end]!.ends] };
      }
      return best;
    };
    /** By the number of last parts, and by the unit with which they begin. */
    const packed = [[...units.map(() => TOO_MUCH), { layers: 0, ends: [] }]];
    for (const count of counts) {
      // Devices of one stage, one in each line, have the same layers: their parts are packed together.
      const together = ((count - 1) % lines) + 1;
      const behind = packed[count - together]!;
      packed.push([...splits[together - 1]!.map((ways) => bestOf(stageOf(count), ways, behind)), TOO_MUCH]);
    }
    return counts.map((count) => {
      const { layers: held, ends } = packed[count]![0]!;
      const others = besides.slice(0, stageOf(count)).map((_, stage) => roomAt(stage, 0));
      return { layers: others.reduce((sum, room) => sum + room, held), ends };
    });
  };
}

/** By first unit and end: the units between them in one part, or in two. */
function splitsOf(units: readonly number[], parts: number): readonly (readonly Split[])[] {
  const length = (first: number, end: number) => units.slice(first, end).reduce((sum, time) => sum + time, 0);
  const between = (first: number, end: number): Split => {
    if (parts === 1) return first < end ? { longest: length(first, end), ends: [end] } : IMPOSSIBLE;
    let best = IMPOSSIBLE;
    for (let middle = first + 1; middle < end; middle++) {
      const longest = Math.max(length(first, middle), length(middle, end));
      if (longest < best.longest) best = { longest, ends: [middle, end] };
    }
    return best;
  };
  return units.map((_, first) => Array.from({ length: units.length + 1 }, (_, end) => between(first, end)));
}
