import { succeededResult } from '../build/pod.ts';
import type { Dice } from '../faults/dice.ts';
import type { Limit } from './life.ts';
import { keyOf, type Stored, timeOf } from './stand-in-api-server.ts';
import { isTerminal, type World } from './stand-in-controllers.ts';

/** How a runner ends: its exit code, whether it leaves its result, and what the cluster says of the pod. */
interface Ending {
  readonly exitCode?: number;
  readonly signal?: number;
  readonly result?: boolean;
  readonly disrupted?: boolean;
  /** The pod's own reason: it was refused or taken away as a whole. */
  readonly reason?: string;
  readonly weight: number;
}

const ENDINGS: readonly Ending[] = [
  { exitCode: 0, result: true, weight: 34 },
  { exitCode: 0, weight: 2 },
  { exitCode: 0, result: true, disrupted: true, weight: 25 },
  { exitCode: 1, weight: 16 },
  { exitCode: 60, weight: 6 },
  { exitCode: 20, weight: 7 },
  { exitCode: 50, weight: 3 },
  { exitCode: 10, weight: 8 },
  { exitCode: 143, disrupted: true, weight: 10 },
  { exitCode: 10, disrupted: true, weight: 4 },
  { exitCode: 20, disrupted: true, weight: 3 },
  { exitCode: 137, signal: 9, weight: 4 },
  { reason: 'UnexpectedAdmissionError', weight: 3 },
];
const CALM_ENDINGS: readonly Ending[] = [
  { exitCode: 0, result: true, weight: 9 },
  { exitCode: 1, weight: 1 },
];
/** How a runner ends that is told to. */
const TOLD_ENDINGS: readonly Ending[] = [
  { exitCode: 143, weight: 5 },
  { exitCode: 10, weight: 3 },
  { exitCode: 0, result: true, weight: 2 },
];

/** Somebody has killed it. */
const HUNG: Ending = { exitCode: 137, signal: 9, weight: 1 };

const SHUTDOWN: Ending = { reason: 'NodeShutdown', weight: 1 };

/** Clocks of nodes go wrong by so many seconds. */
const SKEWS = [-3600, -60, -30, 20, 3600, 30 * 86_400] as const;

/** What an image that is not there, a runner that hangs and a node that is lost are ended by, if the film's spec says so. */
const STUCK = { noImage: ['start'], hangs: ['stall', 'active'], lost: ['lostNode'] } as const satisfies Record<
  string,
  readonly Limit[]
>;
type Stuck = keyof typeof STUCK;

export interface StandInKubelet {
  /** What would end a pod that does not get on by itself; undefined if it does. */
  isStuck(pod: Stored): readonly Limit[] | undefined;
  /** The image is there, the runner is killed, the node is back. */
  help(pod: Stored): void;
  /** A pod was made or has changed. */
  poke(pod: Stored): void;
}

export interface KubeletOptions extends World {
  /** A runner reports a share of its work done. */
  readonly report: (pod: Stored, sequence: number, share: number) => void;
}

/** A stand-in for scheduler, kubelet and runner: brings pods to nodes, runs them, ends them, and takes them away. */
export function createStandInKubelet(options: KubeletOptions): StandInKubelet {
  const { server, time, dice, isCalm } = options;
  const steps = new Map<string, { readonly urgent: boolean; readonly off: () => void }>();
  const stuck = new Map<string, Stuck>();
  /** How pods end whose runner has ended, while a container that somebody else has put there goes on. */
  const lingers = new Map<string, EndedStatus>();
  const skews = new Map<string, number>();
  const skewOf = (node: string) => {
    const known = skews.get(node) ?? (dice.share() < 0.15 ? dice.pick(SKEWS) : 0);
    skews.set(node, known);
    return known * 1000;
  };
  const within = (quick: number, long: number) =>
    !isCalm() && dice.share() < 0.12 ? dice.between(quick, long) : dice.between(Math.ceil(quick / 20), quick);
  const change = (pod: Stored, modify: (old: Stored) => Stored) =>
    server.change('pods', keyOf(pod), (old) => (old.metadata.uid === pod.metadata.uid ? modify(old) : old), 'kubelet');
  const later = (pod: Stored, delayMs: number, run: (now: Stored) => void, urgent = false) => {
    const uid = pod.metadata.uid ?? '';
    steps.get(uid)?.off();
    const off = time.after(delayMs, () => {
      steps.delete(uid);
      const current = server.get('pods', keyOf(pod));
      if (current?.metadata.uid === uid) run(current);
    });
    steps.set(uid, { urgent, off });
  };

  const schedule = (pod: Stored) => {
    const spec = { ...pod.spec, nodeName: `gpu-${dice.between(1, 4)}` };
    const placed = { type: 'PodScheduled', status: 'True', lastTransitionTime: timeOf(time.now()) };
    const others = (pod.status.conditions ?? []).filter(({ type }: { type: string }) => type !== placed.type);
    const conditions = [...others, placed];
    change(pod, (old) => ({ ...old, spec, status: { ...old.status, conditions } }));
  };
  const findNone = (pod: Stored) => {
    const none = {
      type: 'PodScheduled',
      status: 'False',
      reason: 'Unschedulable',
      message: 'no node has so many GPUs',
    };
    change(pod, (old) => ({ ...old, status: { ...old.status, conditions: [...(old.status.conditions ?? []), none] } }));
  };
  /** By its uid, so that no seed comes to mean another schedule. */
  const isCrowded = ({ metadata: { uid = '' } }: Stored) => Number.parseInt(uid.slice(-1), 16) % 3 === 0;
  const isToBeStuck = () => !isCalm() && dice.share() < 0.03;
  const getStuck = (pod: Stored, how: Stuck) => {
    const uid = pod.metadata.uid ?? '';
    steps.get(uid)?.off();
    steps.delete(uid);
    stuck.set(uid, how);
  };
  const start = (pod: Stored) => {
    const map: string = pod.spec.volumes.find(({ name }: { name: string }) => name === 'job').configMap.name;
    if (server.get('configmaps', `${pod.metadata.namespace}/${map}`) === undefined) {
      complain(pod, map);
      later(pod, dice.between(1_000, 8_000), start);
      return;
    }
    const startedAt = timeOf(time.now() + skewOf(pod.spec.nodeName));
    const health = isAiling(pod.metadata.uid) ? [{ resourceID: 'gpu-3', health: 'Unhealthy' }] : [];
    const allocatedResourcesStatus = [{ name: 'nvidia.com/gpu', resources: health }];
    const running = [{ name: 'runner', state: { running: { startedAt } }, allocatedResourcesStatus }];
    change(pod, (old) => ({ ...old, status: { ...old.status, phase: 'Running', containerStatuses: running } }));
  };
  const complain = (pod: Stored, map: string) => {
    const { namespace, name, uid } = pod.metadata;
    const message = `MountVolume.SetUp failed for volume "frozen" : configmap "${map}" not found`;
    const event = { involvedObject: { kind: 'Pod', name, uid }, reason: 'FailedMount', message };
    const metadata = { namespace, name: `${name}.${server.version()}` };
    server.create('events', { apiVersion: 'v1', kind: 'Event', metadata, ...event } as Stored, 'kubelet');
  };
  const work = (pod: Stored) => {
    const wholeMs = within(40_000, 120_000);
    const parts = dice.between(1, 3);
    const part = (current: Stored, done: number) => {
      if (done === parts) end(current, draw(dice, isCalm() ? CALM_ENDINGS : ENDINGS));
      else if (isToBeStuck()) getStuck(current, 'hangs');
      else {
        options.report(current, done, done / parts);
        later(current, wholeMs / parts, (next) => part(next, done + 1));
      }
    };
    later(pod, wholeMs / parts, (next) => part(next, 1));
  };
  const end = (pod: Stored, ending: Ending) => {
    const state = endOf(ending, timeOf(time.now() + skewOf(pod.spec?.nodeName ?? '')), dice);
    if (state.containerStatuses !== undefined && pod.metadata.deletionTimestamp === undefined && dice.share() < 0.08) {
      const containerStatuses = [...state.containerStatuses, { name: 'mesh', state: { running: {} } }];
      lingers.set(pod.metadata.uid ?? '', state);
      change(pod, (old) => ({ ...old, status: { ...old.status, containerStatuses } }));
      return;
    }
    if (state.containerStatuses !== undefined && dice.share() < 0.2) {
      // The container has ended before the pod has.
      const { containerStatuses } = state;
      // First, since what is written has the kubelet look at the pod again.
      later(pod, dice.between(100, 2_000), (current) => finish(current, state), true);
      change(pod, (old) => ({ ...old, status: { ...old.status, containerStatuses } }));
      return;
    }
    finish(pod, state);
  };
  const finish = (pod: Stored, state: EndedStatus) => {
    const disrupted = pod.status.conditions ?? [];
    const conditions = [...disrupted, ...(state.conditions ?? [])];
    change(pod, (old) => ({ ...old, status: { ...old.status, ...state, conditions } }));
  };
  const leave = (pod: Stored) =>
    change(pod, (old) => ({ ...old, metadata: { ...old.metadata, deletionGracePeriodSeconds: 0 } }));

  const takeAway = (pod: Stored) => {
    const left = lingers.get(pod.metadata.uid ?? '');
    if (!isTerminal(pod) && isToBeStuck()) getStuck(pod, 'lost');
    else if (!isTerminal(pod) && left !== undefined)
      later(pod, within(5_000, 40_000), (now) => finish(now, left), true);
    else if (!isTerminal(pod)) {
      const told = draw(dice, pod.status.phase === 'Running' ? TOLD_ENDINGS : [{ reason: 'Terminated', weight: 1 }]);
      later(pod, within(5_000, 40_000), (current) => end(current, told), true);
    } else if ((pod.metadata.deletionGracePeriodSeconds ?? 0) > 0) later(pod, within(1_000, 10_000), leave, true);
  };
  const bringOn = (pod: Stored) => {
    if (pod.status.phase === 'Running') work(pod);
    else if (pod.spec?.nodeName === undefined) {
      later(pod, within(2_000, 60_000), schedule);
      if (isCrowded(pod)) findNone(pod);
    } else if (!isCalm() && dice.share() < 0.03) later(pod, 500, (current) => end(current, SHUTDOWN));
    else if (isToBeStuck()) getStuck(pod, 'noImage');
    else later(pod, within(3_000, 30_000), start);
  };
  return {
    poke(pod) {
      const uid = pod.metadata.uid ?? '';
      const step = steps.get(uid);
      if (step?.urgent === true || stuck.get(uid) === 'lost') return;
      if (pod.metadata.deletionTimestamp !== undefined) takeAway(pod);
      else if (step === undefined && !isTerminal(pod) && !stuck.has(uid) && !lingers.has(uid)) bringOn(pod);
    },
    isStuck(pod) {
      const how = stuck.get(pod.metadata.uid ?? '');
      return how === undefined || isTerminal(pod) ? undefined : STUCK[how];
    },
    help(pod) {
      const uid = pod.metadata.uid ?? '';
      const how = stuck.get(uid);
      stuck.delete(uid);
      if (pod.metadata.deletionTimestamp !== undefined) takeAway(pod);
      else if (how === 'noImage') bringOn(pod);
      else end(pod, HUNG);
    },
  };
}

/** Whether a device of a pod is unhealthy. By its uid, so that no seed comes to mean another schedule. */
export function isAiling(uid = ''): boolean {
  return Number.parseInt(uid.slice(-1), 16) % 4 === 1;
}

function draw(dice: Dice, endings: readonly Ending[]): Ending {
  let left = dice.share() * endings.reduce((sum, { weight }) => sum + weight, 0);
  for (const ending of endings) {
    if (left < ending.weight) return ending;
    left -= ending.weight;
  }
  return endings[0]!;
}

/** What the kubelet writes of a pod that has ended. */
interface EndedStatus {
  readonly phase: 'Succeeded' | 'Failed';
  readonly reason?: string;
  readonly message?: string;
  readonly containerStatuses?: readonly object[];
  readonly conditions?: readonly object[];
}

function endOf({ exitCode, signal, result, disrupted, reason }: Ending, finishedAt: string, dice: Dice): EndedStatus {
  const phase = exitCode === 0 && disrupted !== true ? 'Succeeded' : 'Failed';
  const target = { type: 'DisruptionTarget', status: 'True', reason: 'Preempted', message: 'made room' };
  const conditions = disrupted === true ? [target] : undefined;
  if (reason !== undefined) return { phase, reason, message: 'as a whole', ...(conditions ? { conditions } : {}) };
  const sha256 = Array.from({ length: 64 }, () => dice.between(0, 15).toString(16)).join('');
  const message = JSON.stringify({ ...succeededResult, film: { ...succeededResult.film, sha256 } });
  const terminated = { exitCode, finishedAt, ...(signal ? { signal } : {}), ...(result === true ? { message } : {}) };
  return {
    phase,
    containerStatuses: [{ name: 'runner', state: { terminated } }],
    ...(conditions === undefined ? {} : { conditions }),
  };
}
