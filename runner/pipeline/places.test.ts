import { expect, test } from 'vitest';
import { slotPlaces, slotPlacesBytes, statePlaces, statePlacesBytes } from './places.ts';

test('what one thread tells of slots and samples another reads, and nothing overlaps', () => {
  const slots = new SharedArrayBuffer(slotPlacesBytes({ ringSlots: 2 }));
  const states = new SharedArrayBuffer(statePlacesBytes(3));
  const [told, heard] = [slotPlaces(slots), slotPlaces(slots)];
  told.device[0] = 7;
  told.addresses.set([2n ** 47n, 5n]);
  expect([...heard.device, ...heard.addresses]).toEqual([7, 2n ** 47n, 5n]);
  const [written, read] = [statePlaces(states), statePlaces(states)];
  written.addresses.set([1n, 2n, 3n, 4n, 5n, 2n ** 63n]);
  written.steps.set([9, 8, 7]);
  written.device[0] = 6;
  expect([...read.device, ...read.steps, ...read.addresses]).toEqual([6, 9, 8, 7, 1n, 2n, 3n, 4n, 5n, 2n ** 63n]);
});
