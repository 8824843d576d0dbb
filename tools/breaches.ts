import { dirname, relative } from 'node:path';
import { DECISIONS, filesOf, PURE_ROOMS, ROOMS } from './rooms.ts';

/** An import that must be reported: by which rule, from which file, and a part of what it imports as it is reported. */
export interface Breach {
  readonly rule: string;
  readonly from: string;
  readonly to: string;
}

/** Files to plant, and the breaches in them. */
export interface Planted {
  readonly files: Readonly<Record<string, string>>;
  readonly breaches: readonly Breach[];
}

/** Rooms that a listed one must never import. */
const NEVER = ['test', 'tools'];
/**
 * Files of a room, as a folder and, below runner/ and operator/, as a loose file: the rules must hold both, whichever the room is
 * now.
 */
function filesIn(room: string, name: string): readonly string[] {
  return [`${room}/${name}.ts`, ...(room.includes('/') ? [`${room}.ts`] : [])];
}

/** Every import between rooms that `rooms.ts` does not allow. */
export function plantArrows(): Planted {
  const targetOf = (room: string) => `${room}/target.ts`;
  const all = [...Object.keys(ROOMS), ...NEVER];
  const files: Record<string, string> = Object.fromEntries(all.map((room) => [targetOf(room), '']));
  const breaches: Breach[] = [];
  for (const [room, allowed] of Object.entries(ROOMS)) {
    const wrong = all.filter((other) => other !== room && !allowed.includes(other)).map(targetOf);
    for (const from of filesIn(room, 'breach')) {
      files[from] = wrong.map((to) => `import '${pathFrom(from, to)}';\n`).join('');
      breaches.push(...wrong.map((to) => ({ rule: room, from, to })));
    }
  }
  return { files, breaches };
}

function pathFrom(file: string, to: string): string {
  const path = relative(dirname(file), to);
  return path.startsWith('.') ? path : `./${path}`;
}

/** Sources that no decision may import, whatever `rooms.ts` comes to say. */
const BESIDE = ['operator/reconcile/target.ts', 'operator/job/target.ts', 'operator/kube/client.ts'];
/** Modules of Node and packages, as they are imported and as they are reported. */
const OUTSIDE: Readonly<Record<string, string>> = {
  'node:fs': 'fs',
  'node:fs/promises': 'fs/promises',
  'node:crypto': 'crypto',
  'node:timers/promises': 'timers/promises',
  'node:perf_hooks': 'perf_hooks',
  'node:process': 'process',
  'node:os': 'os',
  'node:net': 'net',
  'node:http': 'http',
  'node:child_process': 'child_process',
  'node:worker_threads': 'worker_threads',
  'node:module': 'module',
  pino: 'node_modules/pino',
  undici: 'node_modules/undici',
  '@kubernetes/client-node': 'node_modules/@kubernetes',
};

/** For every part that decides, all that `rooms.ts` does not let it import: as a value, as a type and late. */
export function plantDecisions(): Planted {
  const others = [...Object.keys(ROOMS), ...NEVER].filter((room) => room !== 'operator/reconcile');
  const parts = Object.keys(DECISIONS);
  const targets = [
    ...others.map((room) => `${room}/target.ts`),
    ...BESIDE,
    ...parts.map((part) => `${part}/target.ts`),
  ];
  const files: Record<string, string> = Object.fromEntries(targets.map((file) => [file, 'export type T = 1;']));
  const breaches: Breach[] = [];
  for (const [part, allowed] of Object.entries(DECISIONS)) {
    const isAllowed = (file: string) => new RegExp(filesOf([part, ...allowed])).test(file);
    const wrong = targets.filter((file) => BESIDE.includes(file) || !isAllowed(file));
    for (const from of filesIn(part, 'breach')) {
      const text = wrong.map((to, index) => importOf(pathFrom(from, to), index));
      files[from] = [...text, ...Object.keys(OUTSIDE).map(importOf), ''].join('\n');
      breaches.push(...[...wrong, ...Object.values(OUTSIDE)].map((to) => ({ rule: `${part} decides`, from, to })));
    }
  }
  return { files, breaches };
}

/** One of the ways to import something. */
function importOf(path: string, index: number): string {
  const ways = [
    `import '${path}';`,
    `export type T${index} = import('${path}').T;`,
    `export const t${index} = import('${path}');`,
  ];
  return ways[index % ways.length] ?? '';
}

const READS_A_FILE = "import { readFileSync } from 'node:fs'; readFileSync('');";

/** Breaches of the other rules, one file each. */
export function plantOthers(): Planted {
  const single: readonly (Breach & { readonly text: string })[] = [
    ...PURE_ROOMS.flatMap((room) =>
      filesIn(room, 'reads').map((from) => ({ rule: 'pure-rooms', from, to: 'fs', text: READS_A_FILE })),
    ),
    ...['api', 'job'].map((room) => ({
      rule: 'pure-operator',
      from: `operator/${room}/reads.ts`,
      to: 'fs',
      text: READS_A_FILE,
    })),
    ...['gates', 'status/a', 'decide', 'settle'].flatMap((file) => {
      const rule = `operator/reconcile/${file.replace('/a', '')} decides`;
      const from = `operator/reconcile/${file}.ts`;
      return [
        { rule, from, to: 'operator/kube/client.ts', text: `import '${pathFrom(from, 'operator/kube/client.ts')}';` },
        { rule, from: from.replace('.ts', '/b.ts'), to: 'fs', text: READS_A_FILE },
      ];
    }),
    {
      rule: 'only-ort-koffi',
      from: 'runner/pipeline/a.ts',
      to: 'node_modules/koffi',
      text: "import koffi from 'koffi'; koffi.load('');",
    },
    {
      rule: 'only-kube-client',
      from: 'operator/reconcile/a.ts',
      to: 'node_modules/@kubernetes',
      text: "import type { KubeConfig } from '@kubernetes/client-node';\nexport type A = KubeConfig;",
    },
    {
      rule: 'contract-zod',
      from: 'runner/contract/a.ts',
      to: 'node_modules/pino',
      text: "import pino from 'pino'; pino();",
    },
    {
      rule: 'runner-not-operator',
      from: 'runner/cli/a.test.ts',
      to: 'operator/api/a.ts',
      text: "import '../../operator/api/a.ts';",
    },
    { rule: 'resolvable', from: 'runner/cli/a.ts', to: './absent.ts', text: "import './absent.ts';" },
    { rule: 'no-cycles', from: 'runner/text/a.ts', to: 'runner/text/b.ts', text: "import './b.ts';" },
    {
      rule: 'runner/plan',
      from: 'runner/plan/late.ts',
      to: 'runner/ort/a.ts',
      text: "export const a = import('../ort/a.ts');",
    },
    {
      rule: 'runner/model',
      from: 'runner/model/type-only.ts',
      to: 'runner/ort/a.ts',
      text: "import type { A } from '../ort/a.ts';\nexport type B = A;",
    },
    {
      rule: 'operator-no-yaml',
      from: 'operator/api/yaml.ts',
      to: 'node_modules/yaml',
      text: "import '../../runner/contract/yaml.ts';",
    },
    {
      rule: 'world-doorway',
      from: 'runner/judge-film.ts',
      to: `${TINY_WORLD}/world.ts`,
      text: "import './quality/tiny-world/world.ts';",
    },
    {
      rule: 'quality-without-world',
      from: 'runner/quality/a.ts',
      to: `${TINY_WORLD}/judge-prompt.ts`,
      text: "import './tiny-world/judge-prompt.ts';",
    },
  ];
  const targets = [
    'operator/api/a.ts',
    'operator/kube/client.ts',
    `${TINY_WORLD}/world.ts`,
    `${TINY_WORLD}/judge-prompt.ts`,
  ];
  return {
    files: {
      ...Object.fromEntries(targets.map((file) => [file, ''])),
      'runner/ort/a.ts': 'export type A = 1;',
      'runner/text/b.ts': "import './a.ts';",
      'runner/contract/yaml.ts': "import { parse } from 'yaml'; parse('');",
      ...Object.fromEntries(single.map(({ from, text }) => [from, text])),
    },
    breaches: single.map(({ rule, from, to }) => ({ rule, from, to })),
  };
}

const TINY_WORLD = 'runner/quality/tiny-world';

/** Uses of the clock, of chance, of timers and of the environment, none of which a pure room may hold. */
const IMPURE: readonly string[] = [
  'Date.now()',
  'new Date()',
  'performance.now()',
  'Math.random()',
  "Math['random']()",
  'crypto.randomUUID()',
  'crypto.getRandomValues(new Uint8Array(1))',
  'process.env.HOME',
  'process.hrtime()',
  'setTimeout(() => {}, 1)',
  'setInterval(() => {}, 1)',
  'setImmediate(() => {})',
  'queueMicrotask(() => {})',
  "fetch('/')",
  'new Worker("")',
  'globalThis',
  'new Intl.DateTimeFormat().format()',
  "new Event('x').timeStamp",
  "new File([], 'x').lastModified",
  "new Function('return 1')()",
  "Reflect.get(Math, 'random')()",
  'AbortSignal.timeout(1)',
  'Atomics.wait(new Int32Array(4), 0, 0, 1)',
  "new BroadcastChannel('x')",
  "new WebSocket('ws:x')",
  'navigator.hardwareConcurrency',
  'localStorage.length',
  'console.log()',
  'global.setTimeout(() => {}, 1)',
  'Temporal.Now.instant()',
  "new PerformanceMark('x').startTime",
  "new CustomEvent('x').timeStamp",
  "new MessageEvent('x').timeStamp",
  'new MessageChannel()',
  "require('node:fs')",
  'new WeakRef({}).deref()',
  'new FinalizationRegistry(() => {})',
];
const ALSO_PURE = [
  'operator/api/clock.ts',
  'operator/job/clock.ts',
  ...Object.keys(DECISIONS).map((part) => (part.endsWith('/status') ? `${part}/clock.ts` : `${part}.ts`)),
];

/** For every pure room a file that holds each of the impure uses on a line of its own; and how many each must be blamed for. */
export function plantGlobals(): { readonly files: Readonly<Record<string, string>>; readonly lines: number } {
  const lines = [
    ...IMPURE.map((use, index) => `export const use${index} = () => ${use};`),
    'export const { random } = Math;',
  ];
  const files = [...PURE_ROOMS.flatMap((room) => filesIn(room, 'clock')), ...ALSO_PURE];
  return { files: Object.fromEntries(files.map((file) => [file, `${lines.join('\n')}\n`])), lines: lines.length };
}
