import { openCudaCopies } from '../ort/cuda-copies.ts';
import { own } from '../ort/lifetime.ts';
import type { Session } from '../ort/session.ts';
import { deviceValue, type Value } from '../ort/value.ts';
import { bytesPerElement, elementCount } from '../tensor.ts';
import type { Resident } from './chunk.ts';
import { views } from './hop.ts';

/** Where graphs find the states of the tile that they are at. What is given here is where those of the tile are kept: in host memory. */
export interface StateRooms {
  /** What a graph of the tile's size is tied to. */
  of(kept: readonly Resident[]): readonly Resident[];
  /** Brings a tile's states there, before a run. */
  bring(kept: readonly Resident[]): void;
  /** Keeps what a run has left of them. */
  keep(kept: readonly Resident[]): void;
}

/** Opens the rooms of a part's graphs, on the session's device: for tiles as large as `largest`, of which these are the states. */
export type OpenStateRooms = (session: Session, largest: readonly Resident[], stack: DisposableStack) => StateRooms;

/** On the processor graphs read and write states where they are kept. */
const WHERE_KEPT: StateRooms = { of: (kept) => kept, bring: () => undefined, keep: () => undefined };

/** On a device there is room for the states of one tile, the same for tiles of every size. */
export const openStateRooms: OpenStateRooms = (session, largest, stack) => {
  const { device } = session;
  if (device.kind === 'cpu') return WHERE_KEPT;
  const copies = own(stack, openCudaCopies(device));
  return openRooms(session, largest, stack, ({ from, to, bytes }) => copies.copy(from.address, to.address, bytes));
};

/** What goes from one memory to another: as many bytes as the smaller of the two values has. */
export interface StateCopy {
  readonly from: Value;
  readonly to: Value;
  readonly bytes: number;
}

/** Room for the states of one tile, to which and from which they are copied. */
export function openRooms(
  session: Session,
  largest: readonly Resident[],
  stack: DisposableStack,
  copy: (what: StateCopy) => void,
): StateRooms {
  const rooms = new Map(
    largest.map(({ name, value: { dtype, shape } }) => {
      const whole = own(stack, deviceValue(session, dtype, shape));
      return [name, views(whole, dtype, stack)] as const;
    }),
  );
  const roomOf = ({ name, value }: Resident) => rooms.get(name)!(value.shape);
  const bytesOf = ({ dtype, shape }: Value) => elementCount(shape) * bytesPerElement(dtype);
  return {
    of: (kept) => kept.map((state) => ({ name: state.name, value: roomOf(state) })),
    bring(kept) {
      for (const state of kept) copy({ from: state.value, to: roomOf(state), bytes: bytesOf(state.value) });
    },
    keep(kept) {
      for (const state of kept) copy({ from: roomOf(state), to: state.value, bytes: bytesOf(state.value) });
    },
  };
}
