import { toErrorRecord } from '#contract/error.ts';
import { joinLatents } from './latents.ts';
import type { Plan } from './plan/plan.ts';
import { writeFileWhole } from './store/writable-file.ts';
import type { F32Tensor } from './tensor.ts';
import { safetensorsBytes } from './weights/write-tensors.ts';

/** The film's clean latents for whoever asked for them; nobody else keeps them: a long film's are many. */
export interface LatentsFile {
  readonly byteLength: number;
  add(latents: F32Tensor): void;
  /** Writes all of them, concatenated in time. Never throws: the film is complete by then, so that a failure is a warning. */
  write(warn: (text: string) => void): Promise<void>;
}

/** The file at `path`; none where it is undefined. That it can be written has been checked (`prepare.ts`). */
export function openLatentsFile(path: string | undefined, plan: Plan): LatentsFile | undefined {
  if (path === undefined) return undefined;
  const parts: F32Tensor[] = [];
  const { latentChannels, latents, latentHeight, latentWidth } = plan;
  return {
    byteLength: latentChannels * latents * latentHeight * latentWidth * Float32Array.BYTES_PER_ELEMENT,
    add: (part) => void parts.push(part),
    async write(warn) {
      try {
        await writeFileWhole(path, safetensorsBytes(new Map([['latents', joinLatents(parts)]])));
      } catch (error) {
        warn(`the film is complete, but its latents were not written: ${toErrorRecord(error).message}`);
      }
    },
  };
}
