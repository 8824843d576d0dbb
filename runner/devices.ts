import { cpuDevices, type Device } from './ort/device.ts';

/**
 * Devices of this run. A stand-in device plugin (test bed) hands out names by `DUALPARAL_STANDIN_GPUS`: they compute on the
 * processor under the names that the kubelet allotted. Without it there are as many virtual CPU devices as stages ask for.
 */
export function chooseDevices(stages: number, environment: NodeJS.ProcessEnv): readonly Device[] {
  const standIns = environment.DUALPARAL_STANDIN_GPUS?.split(',').filter((name) => name !== '') ?? [];
  if (standIns.length === 0) return cpuDevices(stages);
  return standIns.map((name, index) => ({ kind: 'cpu', index, name }));
}
