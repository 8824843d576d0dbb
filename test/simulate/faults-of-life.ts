/** A place in the operator's sources as it is, and as it was, or would be, with the fault. */
export interface Patch {
  /** Path below `operator/`. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** A fault that was mended: put back, the simulator has to find it. */
export interface Fault {
  readonly name: string;
  readonly what: string;
  readonly patches: readonly Patch[];
}

const DEADLINES = 'reconcile/deadlines.ts';
const SUSPENSION = 'reconcile/suspension.ts';

/** Of deadlines, suspension and what goes after a film. */
export const LIFE_FAULTS: readonly Fault[] = [
  {
    name: 'start-by-node-clock',
    what: 'whether a suspension ended a pod that is gone is told from the clock of its node',
    patches: [
      {
        file: 'reconcile/attempts.ts',
        from: 'plausible(known?.startTime ?? startTime, now, created)',
        to: 'known?.startTime ?? (now > 0 ? startTime : created)',
      },
    ],
  },
  {
    name: 'suspension-by-cache',
    what: 'whether a suspension ended a pod is told from a cache that is behind',
    patches: [
      {
        file: 'reconcile/decide.ts',
        from: 'isNewlyTakenAway(context)\n  );',
        to: '(context.observed.suspend && isNewlyTakenAway(context))\n  );',
      },
    ],
  },
  {
    name: 'suspended-afterwards',
    what: 'a pod that ended before its Job was suspended was ended by that',
    patches: [
      {
        file: SUSPENSION,
        from: '  if (pod !== undefined && pod.leavingBy === undefined) return undefined;\n',
        to: '',
      },
    ],
  },
  {
    name: 'resuming-forgotten',
    what: 'a Job that was let go, and has not begun yet, was never suspended',
    patches: [{ file: 'reconcile/view.ts', from: 'isResuming(job) || undefined', to: 'isResuming(job) && undefined' }],
  },
  {
    name: 'run-of-last-pod',
    what: 'a pod that followed another unseen has stalled, or worked, since that one ran',
    patches: [
      {
        file: DEADLINES,
        from: '    newest?.created,\n    isUntold ? newest.scheduledTime : undefined,\n    attempts.find(({ podUid }) => podUid === newest?.uid)?.startTime,\n',
        to: '',
      },
      { file: DEADLINES, from: '...attempts.map(({ recordedTime }) => recordedTime),', to: '' },
    ],
  },
  {
    name: 'deadline-over-film',
    what: 'a deadline passes although the film is ready, and its Job goes with the result',
    patches: [
      { file: DEADLINES, from: '  if (pod !== undefined && hasFilm(pod)) return undefined;\n', to: '' },
      {
        file: 'reconcile/observed.ts',
        from: 'hasFilm(last) && last',
        to: 'hasFilm(last) && last.uid === last.name && last',
      },
    ],
  },
  {
    name: 'made-before',
    what: 'a film that a pod had made is not ready as long as its Job has made another pod',
    patches: [
      {
        file: 'reconcile/gates.ts',
        from: ' && !isReplaced(pod, other)',
        to: ' && (isReplaced(pod, other) || pod !== other)',
      },
    ],
  },
  {
    name: 'fails-after-good-end',
    what: 'a film fails though an attempt of it has ended well, where the last Job has not said yet how it ended',
    patches: [
      {
        file: 'reconcile/gates.ts',
        from: 'job !== undefined && !endsByItself(job);',
        to: 'job !== undefined && (!endsByItself(job) || job.ended === undefined);',
      },
    ],
  },
  {
    name: 'deadline-from-cache',
    what: 'a deadline passes by what the caches show',
    patches: [
      {
        file: 'reconcile/decide.ts',
        from: 'read: !observed.live && isDoubtful(context, verdict, actions),',
        to: "read: !observed.live && verdict.outcome !== 'ending' && isDoubtful(context, verdict, actions),",
      },
    ],
  },
  {
    name: 'deadlines-ignored',
    what: 'no deadline ends anything',
    patches: [{ file: 'reconcile/gates.ts', from: '  overdue, // it has taken too long\n', to: '' }],
  },
  {
    name: 'strays-stay',
    what: 'an ended pod whose Job was deleted without it is never cleared away',
    patches: [
      { file: 'reconcile/clearing.ts', from: '...there.map(deletionOf), ...strays]', to: '...there.map(deletionOf)]' },
    ],
  },
  {
    name: 'cleared-by-node-clock',
    what: "what goes after a film counts from an end that a node's clock tells",
    patches: [
      {
        file: 'reconcile/clearing.ts',
        from: "over?.lastTransitionTime ?? ''",
        to: "over && status?.completionTime ? status.completionTime : ''",
      },
    ],
  },
  {
    name: 'lost-node-held',
    what: 'a pod of a lost node is never deleted by force',
    patches: [
      {
        file: 'reconcile/deadlines.ts',
        from: 'return (forceAt(pod, observed) ?? Number.POSITIVE_INFINITY) <= now;',
        to: 'return (forceAt(pod, observed) ?? Number.POSITIVE_INFINITY) < 0 * now;',
      },
    ],
  },
  {
    name: 'gpus-waited-for-too-little',
    what: 'fewer GPUs are taken before those that the spec wants have had their time',
    patches: [
      {
        file: 'reconcile/deadlines.ts',
        from: "const limit = hurt ? '0s' : spec?.deadlines.elastic;",
        to: "const limit = '0s' as string | undefined;",
      },
    ],
  },
  {
    name: 'pod-deleted-unread',
    what: 'a pod is deleted whatever has become of it since it was read',
    patches: [
      {
        file: 'reconcile/act.ts',
        from: ': {};\n  const preconditions = defined({ uid, resourceVersion: version });',
        to: ': {};\n  const preconditions = defined({ uid, resourceVersion: version && undefined });',
      },
    ],
  },
  {
    name: 'progress-while-ending',
    what: 'a pod that is to end, or with which its film fails, shows the progress of the one before',
    patches: [
      {
        file: 'reconcile/status/progress.ts',
        from: 'const before = writtenProgress(attempts.at(-1)?.podUid, observed.status);',
        to: 'const before = attempts.length < 0 ? undefined : observed.status?.progress;',
      },
    ],
  },
  {
    name: 'orphan-goes-on',
    what: 'no deadline, and nothing that was decided, ends a pod that has lost its Job',
    patches: [
      {
        file: 'reconcile/gates.ts',
        from: 'const ending = lostEnding(job, context);',
        to: 'const ending = observed.managedBy === job.name ? lostEnding(job, context) : undefined;',
      },
    ],
  },
  {
    name: 'deleted-before-told',
    what: 'a pod is deleted before its attempt says what for',
    patches: [
      {
        file: 'reconcile/claim.ts',
        from: "if (outcome === 'held' || outcome === 'live') return actions.some(({ type }) => type === 'delete-pod');",
        to: "if (outcome === 'held' || outcome === 'live') return actions.some(({ type }) => type === 'create-job');",
      },
    ],
  },
];
