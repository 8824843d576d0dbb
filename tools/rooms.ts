/**
 * Purpose of this folder: checks of the house itself, run by `npm run directions`, `npm run gen` and the tests beside them.
 *
 * This file: the rooms of the sources, and the rooms that each may import besides itself. A room is a folder, or a loose file named
 * without its ending. `.dependency-cruiser.cjs` makes rules of it, and `directions.ts` reports a room that is missing here
 * and an arrow that no import uses. Tests may import anything.
 */

const RUNNER: Readonly<Record<string, readonly string[]>> = {
  // data
  contract: [],
  manifest: ['contract'],
  tensor: [],
  latents: ['tensor'],
  model: ['tensor', 'contract'],
  diffusion: ['tensor', 'contract'],
  plan: ['model', 'diffusion', 'tensor', 'contract'],
  quality: ['contract'],
  // edges
  ort: ['tensor', 'contract'],
  store: ['contract'],
  output: ['store', 'contract'],
  weights: ['store', 'model', 'tensor', 'contract'],
  // engine
  devices: ['thread', 'ort', 'contract'],
  switches: ['contract'],
  thread: ['ort', 'contract'],
  text: ['thread', 'ort', 'weights', 'store', 'model', 'tensor', 'contract'],
  decode: ['thread', 'ort', 'weights', 'model', 'latents', 'tensor', 'contract'],
  pipeline: ['thread', 'ort', 'weights', 'model', 'plan', 'diffusion', 'latents', 'tensor', 'contract'],
  checkpoint: ['output', 'store', 'tensor', 'contract'],
  // story
  report: ['contract'],
  noise: ['weights', 'plan', 'diffusion', 'tensor', 'contract'],
  'judge-film': ['weights', 'store', 'plan', 'quality', 'contract'],
  'memory-plan': ['decode', 'pipeline', 'text', 'ort', 'weights', 'plan', 'model', 'contract'],
  'memory-check': ['memory-plan', 'ort', 'weights', 'plan', 'contract'],
  'plan-job': [
    'memory-check',
    'memory-plan',
    'pipeline',
    'devices',
    'switches',
    'ort',
    'weights',
    'plan',
    'model',
    'contract',
  ],
  'pod-folder': ['store', 'contract'],
  'latents-file': ['output', 'store', 'weights', 'plan', 'tensor', 'contract'],
  prepare: [
    ...['devices', 'plan-job', 'judge-film', 'noise', 'latents-file', 'text', 'thread', 'output', 'store'],
    ...['plan', 'diffusion', 'quality', 'contract'],
  ],
  'runner-io': ['report', 'contract'],
  'checkpoint-identity': ['checkpoint', 'prepare', 'output', 'ort', 'plan', 'weights', 'contract'],
  'clear-deleted': ['checkpoint', 'pod-folder', 'store', 'contract'],
  pace: ['contract'],
  'film-checkpoints': ['checkpoint', 'pace', 'pipeline', 'output', 'store', 'plan', 'contract'],
  'resume-film': [
    ...['checkpoint', 'decode', 'pipeline', 'output', 'store', 'plan'],
    ...['latents', 'model', 'pod-folder', 'tensor', 'contract'],
  ],
  'begin-film': [
    ...['checkpoint', 'checkpoint-identity', 'film-checkpoints', 'resume-film', 'runner-io', 'prepare'],
    ...['output', 'report', 'store', 'contract'],
  ],
  'block-queue': ['decode', 'output', 'pipeline', 'thread', 'contract'],
  'fill-film': [
    ...[
      'block-queue',
      'begin-film',
      'film-checkpoints',
      'resume-film',
      'runner-io',
      'prepare',
      'report',
      'text',
      'decode',
      'pipeline',
      'thread',
    ],
    ...['latents-file', 'memory-plan', 'model', 'tensor', 'contract'],
  ],
  generate: [
    ...['begin-film', 'fill-film', 'runner-io', 'prepare', 'plan-job', 'checkpoint', 'output', 'store'],
    ...['latents-file', 'pod-folder', 'quality', 'contract'],
  ],
  cli: [
    ...[
      'clear-deleted',
      'generate',
      'runner-io',
      'checkpoint',
      'pod-folder',
      'prepare',
      'plan-job',
      'memory-plan',
      'devices',
      'switches',
      'judge-film',
      'report',
      'text',
      'weights',
      'store',
      'model',
      'plan',
      'manifest',
      'contract',
    ],
  ],
};

const OPERATOR: Readonly<Record<string, readonly string[]>> = {
  api: ['runner/contract'],
  kube: ['runner/contract'],
  listen: [],
  telemetry: ['listen'],
  job: ['api', 'runner/contract'],
  progress: ['api', 'kube', 'listen', 'runner/contract'],
  reconcile: ['api', 'job', 'kube', 'runner/contract'],
  instruments: ['kube', 'telemetry'],
  'runner-defaults-file': ['kube', 'runner/contract'],
  settings: ['progress', 'runner-defaults-file', 'telemetry', 'runner/contract'],
  operator: ['api', 'instruments', 'kube', 'progress', 'reconcile', 'served-resource', 'settings', 'telemetry'],
  'served-resource': ['api', 'kube', 'runner/contract'],
  command: ['kube', 'operator', 'settings', 'telemetry', 'runner/contract'],
  main: ['command'],
};

/** Room → rooms that it may import, both as paths from the root. */
export const ROOMS: Readonly<Record<string, readonly string[]>> = {
  ...inFolder('runner', RUNNER),
  ...inFolder('operator', OPERATOR),
  crds: ['operator/api'],
  charts: ['crds', 'operator/api'],
  image: ['runner/contract'],
  bin: [],
};

const parts = (...names: string[]) => names.map((name) => `operator/reconcile/${name}`);

/**
 * Sources of the operator that decide, and all that each may import besides itself, other rooms, Node and packages included. So
 * no clock, no chance and no I/O can come in: what is listed has none either.
 */
export const DECISIONS: Readonly<Record<string, readonly string[]>> = {
  // what is known, and what can come of it
  'operator/reconcile/observed': ['operator/api', 'operator/job/names', 'operator/job/queue', 'runner/contract'],
  'operator/reconcile/verdict': [...parts('observed'), 'operator/api', 'runner/contract'],
  'operator/reconcile/pod-facts': [...parts('observed'), 'operator/api', 'runner/contract'],
  'operator/reconcile/own-pods': [
    ...parts('observed', 'pod-facts', 'belongs', 'status'),
    ...['operator/api', 'operator/job/names'],
  ],
  'operator/reconcile/strays': [
    ...parts('observed', 'pod-facts', 'belongs', 'own-pods'),
    ...['operator/api', 'operator/job/names'],
  ],
  'operator/reconcile/unwritten': ['operator/api'],
  'operator/reconcile/suspension': [...parts('observed', 'verdict'), 'operator/api'],
  'operator/reconcile/attempts': [...parts('observed', 'suspension'), 'operator/api'],
  'operator/reconcile/elastic': [
    ...parts('observed', 'verdict', 'attempts', 'pod-facts'),
    'operator/api',
    'runner/contract',
  ],
  'operator/reconcile/retries': [...parts('verdict', 'attempts'), 'operator/api'],
  'operator/reconcile/active-time': [...parts('observed', 'verdict', 'attempts'), 'operator/api'],
  'operator/reconcile/deadlines': [
    ...parts('observed', 'verdict', 'attempts', 'suspension', 'elastic', 'active-time'),
    ...['operator/api', 'runner/contract'],
  ],
  'operator/reconcile/device-health': [...parts('attempts', 'observed'), 'operator/api'],
  'operator/reconcile/marks': [...parts('observed', 'attempts', 'device-health'), 'operator/api', 'runner/contract'],
  'operator/reconcile/usage': [...parts('observed', 'verdict', 'attempts', 'active-time', 'marks'), 'operator/api'],
  'operator/reconcile/giving-up': [
    ...parts('observed', 'verdict', 'attempts', 'pod-facts', 'deadlines', 'retries'),
    'operator/api',
  ],
  'operator/reconcile/lost-pods': [
    ...parts('observed', 'verdict', 'attempts', 'deadlines', 'giving-up'),
    'operator/api',
  ],
  'operator/reconcile/clearing': [...parts('observed', 'verdict'), 'operator/api', 'runner/contract'],
  // what is to be done
  'operator/reconcile/gates': [
    ...parts('observed', 'verdict', 'suspension', 'deadlines', 'attempts', 'retries', 'elastic', 'giving-up'),
    ...parts('lost-pods'),
    ...['operator/api', 'runner/contract'],
  ],
  'operator/reconcile/actions': [...parts('observed', 'verdict', 'deadlines', 'clearing'), 'operator/api'],
  // what is to be said
  'operator/reconcile/status': [
    ...parts('observed', 'verdict', 'suspension', 'active-time', 'deadlines', 'attempts', 'giving-up', 'marks'),
    ...parts('usage', 'retries'),
    ...['operator/api', 'operator/job/names', 'runner/contract'],
  ],
  // both
  'operator/reconcile/decide': [
    ...parts('observed', 'verdict', 'attempts', 'suspension', 'deadlines', 'clearing', 'gates', 'actions', 'status'),
    ...parts('marks', 'usage', 'giving-up'),
    'operator/api',
  ],
  'operator/reconcile/settle': [
    ...parts('observed', 'verdict', 'decide', 'status'),
    ...['operator/api', 'operator/job/names'],
  ],
};

/** Rooms without I/O, clock, chance, thread or environment. */
export const PURE_ROOMS = [
  'contract',
  'manifest',
  'plan',
  'model',
  'diffusion',
  'quality',
  'tensor',
  'latents',
  'pace',
].map((room) => `runner/${room}`);

function inFolder(folder: string, rooms: Readonly<Record<string, readonly string[]>>) {
  const path = (room: string) => (room.includes('/') ? room : `${folder}/${room}`);
  return Object.fromEntries(Object.entries(rooms).map(([room, allowed]) => [path(room), allowed.map(path)]));
}

/** A regular expression, as text, for the files of these rooms. */
export function filesOf(rooms: readonly string[]): string {
  return `^(${rooms.join('|')})(/|\\.ts$)`;
}

/** The room of a file; undefined where none is listed. */
export function roomOf(file: string): string | undefined {
  return Object.keys(ROOMS).find((room) => new RegExp(filesOf([room])).test(file));
}
