/** Where a session runs. Several CPU devices are the same processor under different names: for tests, laptops and demos. */
export interface Device {
  readonly kind: 'cpu' | 'cuda';
  readonly index: number;
  readonly name: string;
  /**
   * Limit of the device memory that all sessions of an arena together may take; none where absent. The runtime never refuses weights by it:
   * a plan must not let them exceed it. CUDA only.
   */
  readonly memoryLimitBytes?: number;
  /** What this program could have of the device's memory if nobody else held any. CUDA only. */
  readonly memoryBytes?: number;
  /** The card's own name, where the device is a whole card. CUDA only. */
  readonly card?: string;
  /** Compute capability, such as 9.0. CUDA only. */
  readonly capability?: number;
}

/** `count` devices that all compute on this machine's processor. */
export function cpuDevices(count: number): readonly Device[] {
  return Array.from({ length: count }, (_, index) => ({ kind: 'cpu', index, name: `cpu:${index}` }));
}
