/**
 * A process of its own, which `gpu.ts` starts and may end at any moment: fetches CUDA's libraries and writes where they lie, or why they
 * do not, to a file. `node fetch-cuda.ts TASK`, the task as JSON.
 */
import { writeFileSync } from 'node:fs';
import { toErrorRecord } from '#contract/error.ts';
import { type CudaLibraries, fetchCuda } from './cuda-libraries.ts';

export interface FetchTask {
  readonly cache: string;
  /** Folder for what is not whole yet, which whoever ends this process removes. */
  readonly partial: string;
  readonly result: string;
}

export type FetchResult = CudaLibraries | { readonly problem: string };

async function fetched({ cache, partial }: FetchTask): Promise<FetchResult> {
  try {
    return await fetchCuda({ cache, partial, report: (line) => console.log(`== ${line}`) });
  } catch (error) {
    const { code, message } = toErrorRecord(error);
    return { problem: `${code}: ${message}` };
  }
}

if (import.meta.main) {
  const task = JSON.parse(process.argv[2]!) as FetchTask;
  writeFileSync(task.result, JSON.stringify(await fetched(task)));
}
