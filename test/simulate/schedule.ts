import { LABEL_RESOURCE } from '../../operator/api/labels.ts';
import type { Call } from '../../operator/kube/client.ts';
import { createDice } from '../faults/dice.ts';
import { clearOrphans, helpStuck } from './help.ts';
import { brokenByRequest, brokenByWrite, type Request } from './invariants.ts';
import { brokenAtRest } from './invariants-at-rest.ts';
import { brokenByLife } from './invariants-life.ts';
import { calm, MIXES, type Mix, type MixName } from './mixes.ts';
import { createFilm, FOREIGN_NAMESPACE, resumeAll, startPeople } from './people.ts';
import { createReplica, type Replica } from './replica.ts';
import {
  createStandInApiServer,
  keyOf,
  type Plural,
  type StandInApiServer,
  type Stored,
} from './stand-in-api-server.ts';
import { createStandInGarbageCollector, createStandInJobController } from './stand-in-controllers.ts';
import { createStandInKubelet } from './stand-in-kubelet.ts';
import { createStandInQueue } from './stand-in-queue.ts';
import { createTruth } from './truth.ts';
import { createVirtualTime } from './virtual-time.ts';

/** What came of a schedule. */
export interface Outcome {
  readonly seed: number;
  readonly mix: MixName;
  /** Every rule that was broken, once. */
  readonly broken: readonly string[];
  /** What happened, oldest first; empty unless it was asked for. */
  readonly trace: readonly string[];
  readonly counts: { readonly films: number; readonly pods: number; readonly requests: number };
}

// Refusals are errors by the thousand, and nobody looks at where they were made.
Error.stackTraceLimit = 0;

const START = Date.parse('2026-01-01T00:00:00Z');
const STEPS = 200_000;
/** Everything comes to rest within this time after the last fault. */
const REST_MS = 2_700_000;
const RESYNC_MS = 600_000;
const QUIET_MS = 30_000;

/** Plays one schedule from its seed. The same seed and mix always give the same. */
export async function playSchedule(seed: number, mixName: MixName, tracing = false): Promise<Outcome> {
  const dice = createDice(seed);
  const time = createVirtualTime(START);
  const rough: Mix = MIXES[mixName];
  const quiet = calm(rough);
  let mix = rough;
  const isCalm = () => mix === quiet;
  const trace: string[] = [];
  const tell = (line: () => string) => {
    if (tracing) trace.push(`${((time.now() - START) / 1000).toFixed(3).padStart(9)} ${line()}`);
  };
  const broken = new Set<string>();
  const breaks = (lines: readonly string[]) => {
    for (const line of lines) {
      if (!broken.has(line)) tell(() => `BROKEN ${line}`);
      broken.add(line);
    }
  };
  const truth = createTruth(time.now);
  const replicas: Replica[] = [];
  let leader: Replica | undefined;
  let request: Request | undefined;
  let requests = 0;
  let uids = 0;
  const newUid = () => {
    uids += 1;
    return `${(seed * 7919 + uids).toString(16).padStart(8, '0').slice(-8)}-0000-4000-8000-${String(uids).padStart(12, '0')}`;
  };
  let pokes: (write: { plural: Plural; before: Stored | undefined; after: Stored | undefined }) => void = () => {};
  const server: StandInApiServer = createStandInApiServer({
    now: time.now,
    newUid,
    admits: () => isCalm() || dice.share() < 0.95,
    onWrite(write) {
      tell(() => described(write));
      truth.written(write.plural, write, request?.readAt(keyOf((write.after ?? write.before)!)) ?? time.now());
      breaks(brokenByWrite(truth, server, time.now(), write, request));
      breaks(brokenByLife(truth, server, time.now(), write, request));
      pokes(write);
    },
  });
  const world = { server, time, dice, isCalm };
  const pokeJob = createStandInJobController(world);
  const pokeQueue = createStandInQueue(world);
  const collect = createStandInGarbageCollector(world);
  const report = (pod: Stored, sequence: number, share: number) => {
    const key = leader?.report(pod, sequence, share);
    if (key !== undefined) truth.reported(pod.metadata.uid ?? '');
    if (key !== undefined && pod.metadata.namespace === FOREIGN_NAMESPACE)
      breaks([`a pod of another namespace speaks for ${key}`]);
  };
  const kubelet = createStandInKubelet({ ...world, report });
  pokes = ({ plural, before, after }) => {
    for (const replica of replicas) replica.poke(plural);
    if (plural === 'jobs') {
      pokeJob(keyOf((after ?? before)!));
      pokeQueue(keyOf((after ?? before)!));
    }
    if (plural === 'pods') {
      const pod = (after ?? before)!;
      const owner = pod.metadata.ownerReferences?.[0]?.name;
      if (owner !== undefined) pokeJob(`${pod.metadata.namespace}/${owner}`);
      if (after !== undefined) kubelet.poke(after);
    }
    collect();
  };

  const reads = new Map<string, number>();
  const specReads = new Map<string, number>();
  const newReplica = () => {
    const name = `operator-${replicas.length + 1}`;
    const land = (call: Call, sentAt: number, askedAt: number): unknown => {
      requests += 1;
      breaks(brokenByRequest(call));
      const film = String(call.query?.labelSelector ?? '').split('=');
      const read = (of: Map<string, number>, what: string | undefined) => of.set(`${name} films/${what}`, time.now());
      if (call.method === 'GET' && film[0] === LABEL_RESOURCE) read(reads, film[1]);
      if (call.method === 'GET' && call.path.includes('/videogenerations/'))
        read(specReads, call.path.split('/').at(-1));
      const readAt = (key: string) => reads.get(`${name} ${key}`) ?? askedAt;
      request = {
        replica: name,
        sentAt,
        askedAt,
        readAt,
        specAt: (key) => specReads.get(`${name} ${key}`) ?? readAt(key),
      };
      try {
        return server.handle(call, name);
      } finally {
        request = undefined;
      }
    };
    const roundOver = (key: string) => {
      reads.delete(`${name} ${key}`);
      specReads.delete(`${name} ${key}`);
      if (dice.share() < 0.05) {
        const differs = replica.decideTwice(key);
        if (differs !== undefined) breaks([differs]);
      }
    };
    const replica: Replica = createReplica({ name, server, time, dice, mix: () => mix, land, roundOver, trace: tell });
    replicas.push(replica);
    return replica;
  };
  /** A process that leads as soon as its caches are filled and it has the lease. */
  const takeOver = async (delayMs: number, standby?: Replica) => {
    const next = standby ?? newReplica();
    const filled = standby === undefined ? next.fill() : Promise.resolve();
    await time.sleep(delayMs);
    await filled;
    leader = next;
    next.lead();
    if (rough.leaderLivesMs !== undefined && !isCalm())
      time.after(dice.between(0, 2 * rough.leaderLivesMs), () => endLeader(next));
  };
  const waiting: Replica[] = [];
  const endLeader = (old: Replica) => {
    if (isCalm() || leader !== old) return;
    leader = undefined;
    const graceful = dice.share() < 0.4;
    if (graceful) old.stop();
    else old.kill();
    const least = graceful ? 1_600 : 100;
    void takeOver(dice.between(least, graceful ? 4_000 : 20_000), waiting.shift());
    if (rough.replicas > 1) standBy();
  };
  const standBy = () => {
    const next = newReplica();
    void next.fill().then(() => waiting.push(next));
  };

  for (const name of dice.share() < 0.3 ? ['lighthouse', 'storm'] : ['lighthouse']) createFilm(world, name);
  startPeople({ ...world, mix: rough, trace: tell });
  void takeOver(dice.between(0, 500));
  if (rough.replicas > 1) standBy();

  let went = await time.runUntil(START + rough.roughMs, STEPS);
  mix = quiet;
  tell(() => 'calm from here on');
  const filmOf = ({ metadata: { uid = '' } }: Stored) => {
    const pod = truth.pods.get(uid);
    const { key = '', uid: film, known } = truth.films.get(pod?.film ?? '') ?? {};
    // Of a pod without a Job that no status names, nobody can tell that it is of the film.
    if (pod?.orphan === true && known?.has(pod.job) !== true) return undefined;
    const stored = server.get('videogenerations', key);
    return stored?.metadata.uid === film ? stored : undefined;
  };
  const staysSuspended = dice.share() < 0.15;
  if (!staysSuspended) resumeAll(server);
  time.after(300_000, () => {
    clearOrphans(server, filmOf);
    helpStuck(server, kubelet, filmOf);
  });
  const resync = () => {
    leader?.resync();
    if (!rested) time.after(RESYNC_MS, resync);
  };
  let rested = false;
  time.after(RESYNC_MS, resync);
  went &&= await time.runUntil(time.now() + REST_MS, STEPS);
  const version = server.version();
  leader?.resync();
  rested = true;
  went &&= await time.runUntil(time.now() + QUIET_MS, STEPS);
  if (server.version() !== version) breaks(['a film that has come to rest is written again']);
  if (!went) breaks(['it never comes to rest']);
  breaks(brokenAtRest(truth, server, time.now()));
  return {
    ...{ seed, mix: mixName, broken: [...broken], trace },
    counts: { films: truth.films.size, pods: truth.pods.size, requests },
  };
}

function described({
  plural,
  before,
  after,
  by,
}: {
  plural: Plural;
  before: Stored | undefined;
  after: Stored | undefined;
  by: string;
}): string {
  const object = (after ?? before)!;
  const { name, namespace, resourceVersion, deletionTimestamp } = object.metadata;
  const what = after === undefined ? 'removes' : before === undefined ? 'makes' : 'changes';
  const leaving = deletionTimestamp === undefined ? '' : ' (leaving)';
  return `${by} ${what} ${plural} ${namespace}/${name} v${resourceVersion}${leaving} ${plural === 'videogenerations' ? summary(object) : (object.status?.phase ?? '')} ${conditionsOf(object)}`;
}

function summary({ status, metadata }: Stored): string {
  if (status?.attempts === undefined) return `g${metadata.generation} ${status?.phase} ${status?.reason ?? ''}`;
  const attempts = status.attempts.map(
    ({ number, outcome }: { number: number; outcome: string }) => `${number}:${outcome}`,
  );
  return `g${metadata.generation} ${status.phase} ${status.reason ?? ''} [${attempts}] f${status.failures} d${status.disruptions}`;
}

function conditionsOf({ kind, status }: Stored): string {
  if (kind !== 'Job') return '';
  return (status?.conditions ?? [])
    .map(({ type, status: is }: { type: string; status: string }) => `${type}=${is}`)
    .join(' ');
}
