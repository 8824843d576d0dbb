/** What the stand-in has written down. */
export interface LoggedEvent {
  readonly thread: string;
  /** Current device of the thread. */
  readonly device: number;
  /** The event's name, and what follows it. */
  readonly name: string;
  readonly words: readonly string[];
}

/** A copy by whose memory it is from and to; `host` is this process's own. */
export interface LoggedCopy {
  readonly from: number | 'host';
  readonly to: number | 'host';
  readonly bytes: number;
}

/** All that a stage's thread did for one item. */
export interface LoggedItem {
  readonly stage: number;
  readonly index: number;
  readonly events: readonly LoggedEvent[];
}

/** The events of a part of a film, in order. */
export function partOf(log: string, part: string): readonly LoggedEvent[] {
  const text = log.split('- - part ').find((piece) => piece.startsWith(`${part}\n`)) ?? '';
  return eventsIn(text.slice(text.indexOf('\n') + 1));
}

/** Every line of a log. */
export function eventsIn(log: string): readonly LoggedEvent[] {
  const lines = log.split('\n').slice(0, -1);
  return lines.map((line) => {
    const [thread = '', device, name = '', ...words] = line.split(' ');
    return { thread, device: Number(device), name, words };
  });
}

/** The items of all stages; what a thread does after its last one belongs to none. */
export function itemsIn(events: readonly LoggedEvent[]): readonly LoggedItem[] {
  const items: LoggedItem[] = [];
  const current = new Map<string, LoggedEvent[]>();
  for (const event of events) {
    if (event.name === 'item') {
      const own: LoggedEvent[] = [];
      items.push({ stage: Number(event.words[0]), index: Number(event.words[1]), events: own });
      current.set(event.thread, own);
    } else current.get(event.thread)?.push(event);
  }
  return items;
}

export function copiesIn(events: readonly LoggedEvent[]): readonly LoggedCopy[] {
  const place = (word: string | undefined) => (word === '-1' ? 'host' : Number(word));
  return events
    .filter(({ name }) => name === 'copy')
    .map(({ words: [from, , to, , bytes] }) => ({ from: place(from), to: place(to), bytes: Number(bytes) }));
}
