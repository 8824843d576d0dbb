// Import directions of the rooms (tools/rooms.ts). `tools/directions.ts` runs it and proves that each rule bites.
const { ROOMS, DECISIONS, PURE_ROOMS, filesOf } = require('./tools/rooms.ts');

const no = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to });
const TESTS = '\\.test\\.ts$';
const HOUSE = '^(runner|operator|crds|charts|image|bin|test|tools)/';
/** Sources under `path`, tests aside: a test may reach for fixtures and builders. */
const sources = (path, ...pathNot) => ({ path, pathNot: [TESTS, ...pathNot] });

const PURE_OPERATOR = ['operator/api', 'operator/job'];
const TINY_WORLD = '^runner/quality/tiny-world/';

module.exports = {
  forbidden: [
    ...Object.entries(ROOMS).map(([room, allowed]) =>
      no(room, `${room} may import only: ${[room, ...allowed].join(', ')}`, sources(filesOf([room])), {
        path: HOUSE,
        pathNot: filesOf([room, ...allowed]),
      }),
    ),
    no('no-cycles', 'cycles hide who depends on whom', { path: '^(runner|operator)/' }, { circular: true }),
    no('runner-not-operator', 'not even in tests', { path: '^runner/' }, { path: '^(operator|crds|charts|image)/' }),
    no('world-doorway', 'circles and squares are known to one folder', sources('.', '^(test|tools)/', TINY_WORLD), {
      path: TINY_WORLD,
      pathNot: `${TINY_WORLD}judge-prompt\\.ts$`,
    }),
    no('quality-without-world', 'what measures any film knows no world', sources('^runner/quality/', TINY_WORLD), {
      path: TINY_WORLD,
    }),
    no(
      'only-ort-koffi',
      'one room owns the foreign runtime',
      { path: '.', pathNot: '^runner/ort/' },
      { path: 'node_modules/(koffi|onnxruntime)' },
    ),
    no(
      'only-kube-client',
      'one room owns the cluster client',
      { path: '.', pathNot: '^(operator/kube/|test/)' },
      { path: 'node_modules/(@kubernetes|undici)/' },
    ),
    no('pure-rooms', 'no I/O, clock or thread in the data tier', sources(filesOf(PURE_ROOMS)), {
      dependencyTypes: ['core'],
    }),
    no('pure-operator', 'what decisions are made from does no I/O', sources(filesOf(PURE_OPERATOR)), {
      dependencyTypes: ['core'],
    }),
    ...Object.entries(DECISIONS).map(([part, allowed]) =>
      no(`${part} decides`, `it may import only: ${allowed.join(', ')}`, sources(filesOf([part])), {
        pathNot: filesOf([part, ...allowed]),
      }),
    ),
    no('contract-zod', 'the contract is zod and constants', sources('^runner/contract/'), {
      path: 'node_modules/',
      pathNot: 'node_modules/zod/',
    }),
    no('operator-no-yaml', 'the operator needs no YAML parser', sources('^operator/'), {
      path: 'node_modules/(js-)?yaml/',
      reachable: true,
    }),
    no('resolvable', 'every import resolves', { path: HOUSE }, { couldNotResolve: true }),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(training|test/golden/data)/' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      extensions: ['.ts', '.mjs', '.js', '.json'],
      conditionNames: ['import', 'node', 'default'],
    },
  },
};
