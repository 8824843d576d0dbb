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
  plan: ['model', 'contract'],
  diffusion: ['tensor', 'contract'],
  quality: ['contract'],
  // edges
  ort: ['tensor', 'contract'],
  store: ['contract'],
  output: ['store', 'contract'],
  weights: ['store', 'model', 'tensor', 'contract'],
  // engine
  devices: ['ort'],
  thread: ['ort', 'contract'],
  text: ['thread', 'ort', 'weights', 'store', 'model', 'tensor', 'contract'],
  decode: ['thread', 'ort', 'weights', 'model', 'latents', 'tensor', 'contract'],
  pipeline: ['thread', 'ort', 'weights', 'model', 'plan', 'diffusion', 'latents', 'tensor', 'contract'],
  // story
  report: ['contract'],
  noise: ['weights', 'plan', 'diffusion', 'tensor', 'contract'],
  'judge-film': ['weights', 'store', 'plan', 'quality', 'contract'],
  'plan-job': ['pipeline', 'devices', 'ort', 'weights', 'plan', 'contract'],
  'latents-file': ['output', 'store', 'weights', 'plan', 'latents', 'tensor', 'contract'],
  prepare: [
    ...['plan-job', 'judge-film', 'noise', 'latents-file', 'text', 'thread', 'output', 'store'],
    ...['plan', 'diffusion', 'quality', 'contract'],
  ],
  generate: [
    ...['prepare', 'plan-job', 'report', 'text', 'decode', 'pipeline', 'output', 'store'],
    ...['latents-file', 'quality', 'tensor', 'contract'],
  ],
  cli: [
    ...[
      'generate',
      'prepare',
      'plan-job',
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
  telemetry: [],
  job: ['api', 'runner/contract'],
  progress: ['api', 'kube', 'runner/contract'],
  reconcile: ['api', 'job', 'kube', 'runner/contract'],
  instruments: ['kube', 'telemetry'],
  settings: ['progress', 'telemetry', 'runner/contract'],
  operator: ['api', 'instruments', 'kube', 'progress', 'reconcile', 'settings', 'telemetry'],
  command: ['kube', 'operator', 'settings', 'telemetry', 'runner/contract'],
  main: ['command'],
};

/** Room → rooms that it may import, both as paths from the root. */
export const ROOMS: Readonly<Record<string, readonly string[]>> = {
  ...inFolder('runner', RUNNER),
  ...inFolder('operator', OPERATOR),
  crds: ['operator/api'],
  image: ['runner/contract'],
  bin: [],
};

/** Rooms without I/O, clock, chance, thread or environment. */
export const PURE_ROOMS = ['contract', 'manifest', 'plan', 'model', 'diffusion', 'quality', 'tensor', 'latents'].map(
  (room) => `runner/${room}`,
);

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
