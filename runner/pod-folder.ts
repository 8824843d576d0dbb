import { toErrorRecord } from '#contract/error.ts';
import type { JobSpec } from '#contract/job-spec.ts';
import { subfolders } from './store/subfolders.ts';

/** Characters of a pod's uid that no other pod of the same Job shares. */
const UID_CHARACTERS = 8;
const POD_FOLDER = new RegExp(`^[0-9a-f]{${UID_CHARACTERS}}$`);

/**
 * The job as one pod makes it: in a folder of its own below that of its Job. A pod that everybody believes dead may still write, so
 * the next one of the same Job shares no file with it, and waits for none. Without a uid (no pod) it is the job itself.
 */
export function jobOfPod(job: JobSpec, podUid: string | undefined): JobSpec {
  const own = podUid?.replaceAll('-', '').slice(0, UID_CHARACTERS) ?? '';
  if (!POD_FOLDER.test(own)) return job;
  const { folder, earlier } = job.output;
  const before = earlier === undefined ? {} : { earlier: [folder, ...earlier] };
  return { ...job, output: { ...job.output, ...before, folder: `${folder}/${own}` } };
}

/** Folders that attempts may have written to: those of Jobs and, below each, those of its pods. One that cannot be read is said. */
export async function attemptFolders(
  jobs: readonly string[],
  warn: (text: string) => void,
): Promise<readonly string[]> {
  const found: string[] = [];
  for (const folder of jobs) {
    try {
      found.push(folder, ...(await subfolders(folder, POD_FOLDER)));
    } catch (error) {
      warn(`the folder of an earlier attempt cannot be read: ${toErrorRecord(error).message}`);
    }
  }
  return found;
}
