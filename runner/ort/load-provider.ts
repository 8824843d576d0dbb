import { type Handle, ortApi } from './api.ts';
import { runtimeEnvironment } from './environment.ts';
import { created } from './status.ts';

/**
 * Lets the runtime load its CUDA provider, once per process; gives the runtime's words where it cannot, and logs the loader's. Whatever else
 * is asked of a provider that is not there aborts the process. `device` is for errors.
 */
export function loadProvider(device: string): string | undefined {
  const api = ortApi();
  const operation = 'loading the CUDA provider';
  runtimeEnvironment(device);
  const settings = created((out) => api.createSessionOptions(out), device, operation);
  let cuda: Handle | undefined;
  try {
    cuda = created((out) => api.createCudaProviderOptions(out), device, operation);
    const status = BigInt(api.appendExecutionProviderCuda(settings, cuda));
    if (status === 0n) return undefined;
    const words = api.getErrorMessage(status);
    api.releaseStatus(status);
    return words;
  } finally {
    if (cuda !== undefined) api.releaseCudaProviderOptions(cuda);
    api.releaseSessionOptions(settings);
  }
}
