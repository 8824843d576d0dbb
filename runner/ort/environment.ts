import { type Handle, ortApi } from './api.ts';
import { created } from './status.ts';

const ERRORS_ONLY = 3;
let environment: Handle | undefined;

/** The runtime's environment: one per process, of which every thread holds a share for good. `device` is for errors. */
export function runtimeEnvironment(device: string): Handle {
  environment ??= created((out) => ortApi().createEnv(ERRORS_ONLY, 'dualparal', out), device, 'starting the runtime');
  return environment;
}
