import { addressOf } from '../ort/api.ts';
import type { CudaCopies } from '../ort/cuda-copies.ts';
import { bytesPerElement } from '../tensor.ts';
import { blockStates, latentElements, ownLatents, placesOf } from './layout.ts';
import { statePlaces } from './places.ts';
import type { Residence } from './residence.ts';
import type { CopyTail } from './samples.ts';
import type { StageTask } from './stage-task.ts';

/**
 * Samples for the windows of the first stage on CUDA. A block that has made no step yet is noise in shared memory; any other lies on the device
 * of the stage that updates it, and is fetched whole, by one copy, unless that is this device too.
 */
export function openDeviceSamples(
  { plan, shared, device }: StageTask,
  { room }: Residence,
  copies: CudaCopies,
): CopyTail {
  const { latentChannels, latentHeight, latentWidth } = plan;
  const plane = latentHeight * latentWidth * bytesPerElement('F32');
  const hostOf = blockStates(shared, plan);
  const places = statePlaces(shared.statePlaces!);
  const fetched = room('F32', [plan.windowLatents * latentElements(plan)]);

  function addressNow(block: number): bigint {
    const place = block % placesOf(plan);
    const steps = Atomics.load(places.steps, place);
    if (steps === 0) return addressOf(hostOf(block).x);
    const address = places.addresses[2 * place + (steps % 2)]!;
    const home = places.device[0]!;
    if (home === device.index) return address;
    copies.pull(
      home,
      address,
      fetched.address,
      ownLatents(plan, block) * latentElements(plan) * bytesPerElement('F32'),
    );
    return fetched.address;
  }

  return (block, count, window, at) => {
    const latents = ownLatents(plan, block);
    const from = addressNow(block) + BigInt((latents - count) * plane);
    const to = window.value.address + BigInt(at * plane);
    copies.copyRows(
      { address: from, pitch: latents * plane },
      { address: to, pitch: window.latents * plane },
      count * plane,
      latentChannels,
    );
  };
}
