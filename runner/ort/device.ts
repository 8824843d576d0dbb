/** Where a session runs. Several CPU devices are the same processor under different names: for tests, laptops and demos. */
export interface Device {
  readonly kind: 'cpu' | 'cuda';
  readonly index: number;
  readonly name: string;
  /** Limit of the device memory that one session may take; the runtime's own limit where absent. CUDA only. */
  readonly memoryLimitBytes?: number;
}

/** `count` devices that all compute on this machine's processor. */
export function cpuDevices(count: number): readonly Device[] {
  return Array.from({ length: count }, (_, index) => ({ kind: 'cpu', index, name: `cpu:${index}` }));
}
