import { createHash } from 'node:crypto';
import type { F32Tensor } from '../../runner/tensor.ts';

/** Every bit of a tensor in short. */
export function fingerprint({ shape, data }: F32Tensor): string {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return `[${shape}] ${createHash('sha256').update(bytes).digest('hex')}`;
}
