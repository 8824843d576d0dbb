import { film } from './film.ts';

type Case = readonly [string, string];

const parallelism = (texts: readonly string[]): readonly Case[] =>
  texts.map((text) => [`parallelism: { ${text} }`, film({ parallelism: `{ ${text} }` })] as const);

const sampling = (texts: readonly string[]): readonly Case[] =>
  texts.map((text) => [`sampling: { ${text} }`, film({ sampling: `{ ${text} }` })] as const);

/** A film of two branches, or of one, with half of the devices for each. */
const shared = (samplings: readonly string[], gpus = 2): readonly Case[] =>
  samplings.map(
    (text) =>
      [
        `sampling: { ${text} }, guidance parallel on ${gpus}`,
        film({ sampling: `{ ${text} }`, parallelism: `{ gpus: ${gpus}, guidanceParallel: true }` }),
      ] as const,
  );

/** How blocks follow each other, what they see and when they are guided, given in odd ways. */
export const ODD_PARALLELISM: readonly Case[] = [
  ...parallelism(['stride: 1', 'stride: 3', 'stride: 1000', 'stride: 1001', 'stride: 0', 'stride: -1', 'stride: 1e9']),
  ...parallelism(['stride: 3.0', 'stride: 1.5', 'stride: 0x3', 'stride: 03', 'stride: "3"', 'stride: 1e2']),
  ...parallelism(['stride: auto', 'stride: "auto"', 'stride: "auto "', 'stride: Auto', 'stride: automatic']),
  ...parallelism(['stride: ""', 'stride: null', 'stride: true', 'stride: on', 'stride: [3]', 'stride: { blocks: 3 }']),
  ...parallelism(['stride: .inf', 'stride: 2147483648', 'stride: 9223372036854775808', 'strid: 3']),
  ...parallelism(['leftContext: recompute', 'leftContext: reuse', 'leftContext: Reuse', 'leftContext: "reuse "']),
  ...parallelism(['leftContext: null', 'leftContext: ""', 'leftContext: true', 'leftContext: reuse, stride: auto']),
  ...parallelism([
    'leftContext: reuse, contextLatents: 0',
    'leftContext: reuse, contextLatents: 1',
    'leftContext: recompute, contextLatents: 0',
    'contextLatents: 0',
  ]),
  ...parallelism(['guidanceParallel: false, gpus: 3', 'guidanceParallel: null', 'guidanceParallel: true, gpus: 2']),
  ...parallelism([
    'guidanceParallel: "true"',
    'guidanceParallel: 1',
    'guidanceParallel: off',
    'guidanceParallel: maybe',
  ]),
  ...shared(['guidanceScale: 5', 'guidanceScale: 1.01', 'guidanceScale: 1', 'guidanceScale: 0', 'steps: 2']),
  ...shared(['guidanceScale: 1, guidanceScale2: 3', 'guidanceScale: 1, guidanceScale2: 1', 'guidanceScale2: 0']),
  ...shared(['guidanceScale: null', 'guidanceScale: 1, guidanceScale2: null']),
  ...shared(['guidanceScale: 5', 'guidanceScale: 1'], 3),
  ...sampling(['guidanceInterval: { low: 0.25, high: 0.75 }', 'guidanceInterval: { low: 0.5 }']),
  ...sampling(['guidanceInterval: { high: 0.5 }', 'guidanceInterval: {}', 'guidanceInterval: null']),
  ...sampling(['guidanceInterval: { low: 0.75, high: 0.25 }', 'guidanceInterval: { low: 0.5, high: 0.5 }']),
  ...sampling(['guidanceInterval: { low: 1 }', 'guidanceInterval: { high: 0 }', 'guidanceInterval: { low: -0.1 }']),
  ...sampling(['guidanceInterval: { high: 1.5 }', 'guidanceInterval: { low: "0.5" }', 'guidanceInterval: [0, 1]']),
  ...sampling(['guidanceInterval: 0.5', 'guidanceInterval: { low: null, high: 0.5 }', 'guidanceInterval: { from: 0 }']),
];
