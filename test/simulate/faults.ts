import { type Fault, LIFE_FAULTS, type Patch } from './faults-of-life.ts';

const DECIDE = 'reconcile/decide.ts';
const GATES = 'reconcile/gates.ts';
const ATTEMPTS = 'reconcile/attempts.ts';
const ACTIONS = 'reconcile/actions.ts';
const GIVING_UP = 'reconcile/giving-up.ts';

const noRead: Patch = {
  file: DECIDE,
  from: 'read: !observed.live && isDoubtful(context, verdict, actions),',
  to: 'read: false,',
};
const noClaim: Patch = {
  file: 'reconcile/claim.ts',
  from: "if (verdict.outcome !== 'start' || status === undefined) return observed;",
  to: 'if (verdict !== undefined) return observed;',
};
const noVersion: Patch = {
  file: 'reconcile/write-status.ts',
  from: '...(version === undefined ? {} : { resourceVersion: version })',
  to: '...(version === undefined ? {} : {})',
};
const noUnsure: Patch = { file: GATES, from: '  unsure, // caches that lag: look again\n', to: '' };
const givenUp: Patch = {
  file: GIVING_UP,
  from: 'job === undefined || endsByItself(job)\n',
  to: 'job === undefined || endsByItself(job) || true\n',
};
const noHeld: Patch = { file: GATES, from: '  held, // GPUs are not free yet\n', to: '' };

export const FAULTS: readonly Fault[] = [
  {
    name: 'complete-before-pod',
    what: "F1: a Job's completion counts before its pod is seen to have ended",
    patches: [
      noUnsure,
      noRead,
      {
        file: GATES,
        from: "other !== pod && isAlive(other) && other.state !== 'succeeded' && !isReplaced(pod, other)",
        to: 'other === undefined',
      },
    ],
  },
  {
    name: 'failed-before-pod',
    what: "F2: a Job's failure counts before its pod is seen to have ended",
    patches: [noUnsure, noRead, noHeld],
  },
  {
    name: 'retries-lowered',
    what: 'F3: lower retries end a film while its Job goes on',
    patches: [
      {
        file: GIVING_UP,
        from: 'job === undefined || isBetweenPods(',
        to: "job === undefined || job.name !== '' || isBetweenPods(",
      },
      givenUp,
      {
        file: ACTIONS,
        from: 'return job.suspended !== undefined || !endsByItself(job);',
        to: 'return endsByItself(job) && false;',
      },
    ],
  },
  {
    name: 'given-up-at-work',
    what: 'a film whose retries are used up fails while the next pod of its Job may still make it',
    patches: [givenUp],
  },
  {
    name: 'counters-shrink',
    what: 'F4: a failed pod that is deleted is no failure any more',
    patches: [
      { file: ATTEMPTS, from: 'ended.get(pod.uid) ?? recorded', to: 'recorded' },
      {
        file: ATTEMPTS,
        from: 'Math.max(attempts.filter(isWanted).length, counted + fresh.filter(isWanted).length)',
        to: 'attempts.filter(isWanted).length + 0 * (counted + fresh.length)',
      },
      {
        file: 'reconcile/pod-facts.ts',
        from: 'return (end.signal ?? 0) > 0 || end.exitCode > SIGNALLED;',
        to: 'return end.exitCode > 0 || SIGNALLED > 0;',
      },
    ],
  },
  {
    name: 'absent-pod-lost',
    what: 'F5: a known pod that a cache does not show counts as lost',
    patches: [
      { file: ATTEMPTS, from: 'judging.live ? unseen.map', to: 'judging.now > 0 ? unseen.map' },
      { file: GATES, from: ' || missesPod(context)', to: '' },
      { file: DECIDE, from: "ends.includes('Disrupted') || ", to: '' },
    ],
  },
  {
    name: 'deleted-job-pod-runs',
    what: 'F6: the next attempt starts while the pod of a deleted Job has its GPUs',
    patches: [noHeld],
  },
  {
    name: 'deleted-job-again',
    what: 'F7: a Job that was deleted before its pod was seen is made again, at once and uncounted',
    patches: [
      {
        file: GATES,
        from: 'if (claim?.jobUid !== undefined) used.push(claim.attempt);',
        to: '',
      },
      {
        file: ATTEMPTS,
        from: 'if (claim?.jobUid === undefined || isThere || has(claim.attempt)) return [...failed, ...suspended];',
        to: 'if (!isThere) return [...failed, ...suspended];',
      },
    ],
  },
  {
    name: 'other-namespace',
    what: 'F8: a pod of another namespace counts as one of the film',
    patches: [
      {
        file: 'reconcile/belongs.ts',
        // biome-ignore lint/suspicious/noTemplateCurlyInString: it is source text
        from: 'if (pod.metadata.namespace !== resource.namespace || labelledKey(pod) !== `${resource.namespace}/${resource.name}`)\n    return undefined;',
        to: '',
      },
      { file: 'reconcile/observe.ts', from: 'sources.pods.by(BY_LABEL, key)', to: 'sources.pods.list()' },
      {
        file: 'reconcile/read.ts',
        from: '.by(BY_LABEL, keyOf(object))\n    .filter((pod) => !there',
        to: '.list()\n    .filter((pod) => !there',
      },
    ],
  },
  {
    name: 'clock-ahead',
    what: "F10: an end that a node's clock puts into the future is waited for",
    patches: [
      { file: ATTEMPTS, from: 'return at > now || early', to: 'return early' },
      {
        file: GATES,
        from: 'if (!(at > now) || end > now) return undefined;',
        to: 'if (!(at > now)) return undefined;',
      },
      {
        file: GATES,
        from: 'return podEnd > now ? jobEnd : Math.max(podEnd, jobEnd);',
        to: 'return Math.max(podEnd, jobEnd);',
      },
      { file: DECIDE, from: 'Math.min(LONGEST_TIMER_MS, at - now)', to: 'at - now' },
    ],
  },
  {
    name: 'generation-unanswered',
    what: 'F11: a film that is over does not answer an edit',
    patches: [
      {
        file: 'reconcile/status/status.ts',
        from: 'return { ...status, observedGeneration: generation, phase: phaseOf(conditions), conditions };',
        to: 'return conditions && status;',
      },
    ],
  },
  {
    name: 'disrupted-final',
    what: 'F12: a final exit code of a pod that was disrupted does not count',
    patches: [
      { file: 'reconcile/pod-facts.ts', from: 'if (isFinalExit(runnerEnd(pod)?.exitCode)) return false;', to: '' },
      {
        file: GIVING_UP,
        from: 'job.ended?.final === true && ',
        to: 'job.ended?.final === true && job.pods.length > 99 && ',
      },
    ],
  },
  {
    name: 'stale-film',
    what: 'P10: a stale film makes a Job for a film that is over, and its status is written over',
    patches: [noRead, noClaim, noVersion],
  },
  {
    name: 'no-claim',
    what: 'P11: nothing is claimed before a Job is made, so an edit comes in between',
    patches: [noClaim],
  },
  {
    name: 'no-version',
    what: 'the status is written without a resourceVersion',
    patches: [noVersion],
  },
  {
    name: 'frozen-deleted',
    what: 'P19: a frozen spec that was deleted is never written again',
    patches: [
      {
        file: 'reconcile/view.ts',
        from: "newComplaint(job, pods, sources) === undefined ? sources.frozen(uid) : 'missing'",
        to: 'sources.frozen(uid)',
      },
    ],
  },
  {
    name: 'frozen-of-first-pod',
    what: 'the frozen spec is looked after for the first pod of a Job only',
    patches: [{ file: ACTIONS, from: " || state === 'disrupted')", to: ')' }],
  },
  {
    name: 'attempts-out-of-order',
    what: "a pod that is gone is listed before the older ones of its Job, and the wait counts from the wrong one's end",
    patches: [{ file: ATTEMPTS, from: ' || place(a, before) - place(b, before)', to: '' }],
  },
  {
    name: 'clock-behind',
    what: "the wait for the next attempt counts from an end that a node's clock puts into the past",
    patches: [
      {
        file: GATES,
        from: 'const written = recordedTime ?? endTime;',
        to: 'const written = recordedTime === undefined ? endTime : endTime;',
      },
    ],
  },
  {
    name: 'unseen-pod',
    what: 'a Job whose last pod nobody saw is followed by the next at once',
    patches: [{ file: GATES, from: 'return told <= now ? Math.max(told', to: 'return told <= 0 ? Math.max(told' }],
  },
  {
    name: 'progress-of-last-pod',
    what: 'a new pod shows the progress of the one before',
    patches: [
      {
        file: 'reconcile/status/progress.ts',
        from: "return pod?.state === 'running' ? writtenProgress(pod.uid, observed.status) : undefined;",
        to: "return pod?.state === 'running' ? observed.status?.progress : undefined;",
      },
    ],
  },
  {
    name: 'orphan-forgotten',
    what: 'a pod whose Job was deleted without it does not count once it has ended, unless it was known before',
    patches: [
      {
        file: 'reconcile/own-pods.ts',
        from: '(of.uid !== undefined && jobUids.has(of.uid)) || ',
        to: '(pod.metadata.ownerReferences?.length && jobUids.has(of.uid)) || ',
      },
    ],
  },
  {
    name: 'other-film',
    what: 'a Job of another film counts: the status was taken away, and the spec changed before it came back',
    patches: [{ file: 'reconcile/view.ts', from: 'job.specHash !== specHash', to: 'job.specHash === name' }],
  },
  {
    name: 'unknown-job',
    what: 'a Job that neither the status nor a cache names is not looked for before another is made',
    patches: [
      {
        file: 'reconcile/read.ts',
        from: 'const listed = await list<Job>(JOBS, object, context);',
        to: 'const listed: Job[] = [];',
      },
      {
        file: 'reconcile/read.ts',
        from: 'foundPods.map((pod) => jobOfPod(resource, pod)?.name)',
        to: 'foundPods.map(() => undefined)',
      },
    ],
  },
  {
    name: 'claim-goes-back',
    what: 'a refused Job takes the claim back to the one before',
    patches: [{ file: 'reconcile/settle.ts', from: 'decision.status?.claim ?? before', to: 'before' }],
  },
  ...LIFE_FAULTS,
];

/** A source with its patches applied; throws where one does not fit any more. */
export function patched(source: string, patches: readonly Patch[]): string {
  return patches.reduce((text, { file, from, to }) => {
    if (text.split(from).length !== 2) throw new Error(`${file} does not hold exactly one: ${from}`);
    return text.replace(from, () => to);
  }, source);
}
