import type { Plan } from '../plan/plan.ts';

/**
 * Addresses of device memory that stages tell each other, in shared memory. They are written before the first item that uses them is
 * handed on, so that whoever reads them then finds them; a process has one space of addresses for all its devices and threads.
 */

/** Where the slots of a ring lie. */
export interface SlotPlaces {
  /** Index of the CUDA device; one element. */
  readonly device: Int32Array;
  /** One per slot. */
  readonly addresses: BigUint64Array;
}

/** Where the samples of the blocks in flight lie. */
export interface StatePlaces {
  readonly device: Int32Array;
  /** Steps that the block in a place has done. */
  readonly steps: Int32Array;
  /** Two per place: the sample after an even number of steps, and after an odd one. */
  readonly addresses: BigUint64Array;
}

const DEVICE_BYTES = 8;
const ADDRESS_BYTES = 8;
const STEPS_BYTES = 8;

export function slotPlacesBytes({ ringSlots }: Pick<Plan, 'ringSlots'>): number {
  return DEVICE_BYTES + ringSlots * ADDRESS_BYTES;
}

export function slotPlaces(memory: SharedArrayBuffer): SlotPlaces {
  return { device: new Int32Array(memory, 0, 1), addresses: new BigUint64Array(memory, DEVICE_BYTES) };
}

export function statePlacesBytes(places: number): number {
  return DEVICE_BYTES + places * (STEPS_BYTES + 2 * ADDRESS_BYTES);
}

export function statePlaces(memory: SharedArrayBuffer): StatePlaces {
  const places = (memory.byteLength - DEVICE_BYTES) / (STEPS_BYTES + 2 * ADDRESS_BYTES);
  return {
    device: new Int32Array(memory, 0, 1),
    steps: new Int32Array(memory, DEVICE_BYTES, places),
    addresses: new BigUint64Array(memory, DEVICE_BYTES + places * STEPS_BYTES, 2 * places),
  };
}
