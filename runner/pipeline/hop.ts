import type { Value } from '../ort/value.ts';
import { bytesPerElement, elementCount } from '../tensor.ts';
import { type SlotMemory, slotsIn } from './layout.ts';
import { slotPlaces } from './places.ts';
import type { Residence } from './residence.ts';
import type { StageTask } from './stage-task.ts';
import { perWindow } from './window.ts';

/**
 * Slots between two stages, as tensors of a block's window. On the CPU they are shared memory, which both read and write in place. On
 * CUDA they lie on the producer's device, which tells their addresses in shared memory before its first item; the consumer copies
 * a slot to its own device once it is full: one copy, and the host has no part in it. The producer's run has returned, and so
 * is over, before the slot counts as full; the consumer's copy is over before the slot counts as free.
 */
export interface Slots {
  /** The slot of an item for a block's window. */
  of(block: number, index: number): Value;
}

/** What the slots hold: the tensor of a window of so many latents. */
export type WindowShape = (latents: number) => readonly number[];

type Dtype = StageTask['dtype'];
/** What is asked of a stage's task. */
type HopTask = Pick<StageTask, 'plan' | 'device'>;

/** The producer's side. */
export function openOutgoing(
  task: HopTask,
  memory: SlotMemory,
  dtype: Dtype,
  shapeOf: WindowShape,
  { copies, put, room, part }: Residence,
): Slots {
  const { plan } = task;
  if (copies === null) return { of: sharedSlots(task, memory, dtype, shapeOf, put) };
  const wholes = Array.from({ length: plan.ringSlots }, () => room(dtype, shapeOf(plan.windowLatents)));
  const { addresses, device } = slotPlaces(memory);
  device[0] = task.device.index;
  for (const [slot, { address }] of wholes.entries()) addresses[slot] = address;
  const values = perWindow(plan, (latents) => wholes.map((whole) => part(whole, dtype, shapeOf(latents))));
  return { of: (block, index) => values(block)[index % plan.ringSlots]! };
}

/** The consumer's side. On CUDA there is one tensor for all slots: it is full once asked for. */
export function openIncoming(
  task: HopTask,
  memory: SlotMemory,
  dtype: Dtype,
  shapeOf: WindowShape,
  { copies, put, room, part }: Residence,
): Slots {
  const { plan } = task;
  if (copies === null) return { of: sharedSlots(task, memory, dtype, shapeOf, put) };
  const whole = room(dtype, shapeOf(plan.windowLatents));
  const values = perWindow(plan, (latents) => part(whole, dtype, shapeOf(latents)));
  const { addresses, device } = slotPlaces(memory);
  return {
    of(block, index) {
      const value = values(block);
      const bytes = elementCount(value.shape) * bytesPerElement(dtype);
      copies.pull(device[0]!, addresses[index % plan.ringSlots]!, value.address, bytes);
      return value;
    },
  };
}

function sharedSlots(
  { plan }: HopTask,
  memory: SlotMemory,
  dtype: Dtype,
  shapeOf: WindowShape,
  put: Residence['put'],
): Slots['of'] {
  const values = perWindow(plan, (latents) => {
    const shape = shapeOf(latents);
    const bytes = elementCount(shape) * bytesPerElement(dtype);
    const numbers = ({ buffer, byteOffset }: Uint8Array) =>
      dtype === 'F32' ? new Float32Array(buffer, byteOffset, bytes / 4) : new Uint8Array(buffer, byteOffset, bytes);
    return slotsIn(memory, plan).map((slot) => put(numbers(slot), dtype, shape));
  });
  return (block, index) => values(block)[index % plan.ringSlots]!;
}
