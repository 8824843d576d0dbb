import { deviceError } from './errors.ts';

/** Where a film may be computed; `auto` is CUDA where a usable GPU is, else the processor. */
export const DEVICE_CHOICES = ['auto', 'cpu', 'cuda'] as const;
export type DeviceChoice = (typeof DEVICE_CHOICES)[number];

/** A choice and who made it, for messages: `--device`, `DUALPARAL_DEVICE`, or nobody. */
export interface AskedDevice {
  readonly choice: DeviceChoice;
  readonly field: string;
}

/** `--device` as it was given, else `DUALPARAL_DEVICE`, else `auto`. Throws `E_DEVICE_CHOICE`, which names the field. */
export function deviceChoice(flag: string | undefined, environment: NodeJS.ProcessEnv): AskedDevice {
  const { DUALPARAL_DEVICE: variable } = environment;
  if (flag !== undefined) return { choice: checked('--device', flag), field: '--device' };
  if (variable) return { choice: checked('DUALPARAL_DEVICE', variable), field: 'DUALPARAL_DEVICE' };
  return { choice: 'auto', field: 'the default' };
}

function checked(field: string, found: string): DeviceChoice {
  const choice = DEVICE_CHOICES.find((each) => each === found);
  if (choice === undefined) throw deviceError('E_DEVICE_CHOICE', { field, found });
  return choice;
}
