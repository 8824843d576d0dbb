import { LABEL_QUEUE, LABEL_QUEUE_PRIORITY } from '../api/labels.ts';

/** Where in Kueue a Job waits for its turn. */
export interface QueuePlace {
  readonly name: string;
  /** Class by which it is decided who goes first. */
  readonly priorityClass?: string;
}

/** Labels by which Kueue knows a Job as one of its own. */
export function queueLabels(queue: QueuePlace | undefined): Readonly<Record<string, string>> {
  if (queue === undefined) return {};
  const { name, priorityClass } = queue;
  return { [LABEL_QUEUE]: name, ...(priorityClass === undefined ? {} : { [LABEL_QUEUE_PRIORITY]: priorityClass }) };
}
