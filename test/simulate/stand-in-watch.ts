import type { Feed } from '../../operator/kube/cache.ts';
import type { Dice } from '../faults/dice.ts';
import type { Mix } from './mixes.ts';
import type { LogLine, Plural, StandInApiServer, Stored } from './stand-in-api-server.ts';
import type { VirtualTime } from './virtual-time.ts';

export interface StandInWatchOptions {
  readonly plural: Plural;
  readonly server: StandInApiServer;
  readonly time: VirtualTime;
  readonly dice: Dice;
  readonly mix: () => Mix;
  readonly feed: Feed<Stored>;
  /** What the watch's selector lets through. */
  readonly selects: (object: Stored) => boolean;
  readonly trace: (line: () => string) => void;
}

export interface StandInWatch {
  /** Fills the cache from a list. */
  list(): void;
  /** Something was written: it will be told of. */
  poke(): void;
  stop(): void;
}

/** A silent connection is given up after this time. */
const SILENCE_MS = 150_000;

/**
 * A stand-in for a reflector: tells a cache what happened to one kind, later by a lag of its own that changes all the time;
 * now and then it lists anew, or its connection is dead for a while.
 */
export function createStandInWatch(options: StandInWatchOptions): StandInWatch {
  const { plural, server, time, dice, mix, feed, selects, trace } = options;
  let cursor = 0;
  let pending = false;
  let stopped = false;
  const list = () => {
    cursor = server.log(plural).length;
    feed.replace(server.list(plural).filter(selects), server.version());
  };
  const deliver = () => {
    pending = false;
    if (stopped) return;
    if (dice.share() < mix().relist) {
      trace(() => `watch of ${plural} lists anew`);
      list();
      return;
    }
    const lines = server.log(plural);
    for (let left = dice.between(1, 3); left > 0 && cursor < lines.length; left -= 1) {
      const { type, object } = lines[cursor]!;
      cursor += 1;
      if (!selects(object)) {
        // To a watch with a selector, what no longer fits it is gone.
        feed.remove(object);
        continue;
      }
      trace(() => `watch of ${plural}: ${type} ${object.metadata.name} v${object.metadata.resourceVersion}`);
      tell(options, type, object);
    }
    poke();
  };
  const lag = () => {
    const { lagMs, longLagMs, slow, halfOpen } = mix();
    const drawn = dice.share();
    if (drawn < halfOpen) return SILENCE_MS;
    return dice.between(5, drawn < halfOpen + slow ? longLagMs : lagMs);
  };
  const poke = () => {
    if (pending || stopped || cursor >= server.log(plural).length) return;
    pending = true;
    time.after(lag(), deliver);
  };
  return {
    list,
    poke,
    stop() {
      stopped = true;
    },
  };
}

/** To a watch with a selector, as all others have, what begins to fit is added as well. */
function tell({ feed, plural }: StandInWatchOptions, type: LogLine['type'], object: Stored): void {
  if (type === 'DELETED') feed.remove(object);
  else if (type === 'ADDED' && plural === 'videogenerations') feed.created(object);
  else feed.upsert(object);
}
