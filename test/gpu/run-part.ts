/** The process of one part: `node run-part.ts TASK`, the task as JSON. */
import { type PartContext, type PartTask, partContext } from './part.ts';

const task = JSON.parse(process.argv[2]!) as PartTask;
const { run } = (await import(`./${task.part}.part.ts`)) as { run: (context: PartContext) => Promise<void> };
await run(partContext(task));
