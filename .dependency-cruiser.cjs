// Import directions of the rooms (runner/README.md, operator/README.md). `tools/directions.ts` runs it and proves that it bites.
const no = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to });
const TESTS = '\\.test\\.ts$';
/** Sources under `path`, tests aside: a test may reach for fixtures and builders. */
const sources = (path) => ({ path, pathNot: TESTS });

/** Rooms of the runner and the rooms of the runner that each may import besides itself. */
const RUNNER = {
  contract: [],
  model: ['tensor', 'contract'],
  plan: ['contract', 'model'],
  diffusion: ['tensor', 'contract'],
  quality: ['tensor', 'contract'],
  ort: ['tensor', 'contract'],
  store: ['contract'],
  weights: ['store', 'model', 'tensor', 'contract'],
  output: ['store', 'contract'],
  thread: ['ort', 'contract'],
  text: ['thread', 'ort', 'store', 'model', 'weights', 'tensor', 'contract'],
  decode: ['thread', 'ort', 'model', 'weights', 'plan', 'latents', 'tensor', 'contract'],
  pipeline: ['thread', 'ort', 'model', 'weights', 'plan', 'diffusion', 'latents', 'tensor', 'contract'],
  checkpoint: ['store', 'diffusion', 'tensor', 'contract'],
  report: ['plan', 'pipeline', 'contract'],
  manifest: ['contract'],
};
const OPERATOR = {
  api: [],
  kube: [],
  telemetry: [],
  job: ['api'],
  progress: ['api', 'kube', 'telemetry'],
  reconcile: ['api', 'job', 'progress', 'kube', 'telemetry'],
};
const arrows = (base, rooms, extra) =>
  Object.entries(rooms).map(([room, allowed]) =>
    no(
      `${base}/${room}`,
      `${base}/${room} may import only: ${[room, ...allowed].join(', ')}`,
      sources(`^${base}/${room}/`),
      {
        path: `^(runner|operator|crds|test|image|tools)/`,
        pathNot: [`^${base}/(${[room, ...allowed].join('|')})(/|\\.ts$)`, ...extra],
      },
    ),
  );
const PURE = ['contract', 'plan', 'model', 'diffusion', 'quality', 'manifest'].map((room) => `runner/${room}`);
const PURE_OPERATOR = ['operator/api', 'operator/job', 'operator/reconcile/(policy/|decide|settle)'];

module.exports = {
  forbidden: [
    no('no-cycles', 'cycles hide who depends on whom', { path: '^(runner|operator)/' }, { circular: true }),
    ...arrows('runner', RUNNER, []),
    ...arrows('operator', OPERATOR, ['^runner/contract/']),
    no('runner-not-operator', 'they share #contract only', { path: '^runner/' }, { path: '^(operator|crds|image)/' }),
    no('operator-not-runner', 'they share #contract only', sources('^operator/'), {
      path: '^runner/',
      pathNot: '^runner/contract/',
    }),
    no('sources-not-test', 'the product never needs the test bed', sources('^(runner|operator|crds|bin)/'), {
      path: '^(test|tools)/',
    }),
    no('nothing-from-crds', 'crds/ is generated output', sources('^(runner|operator|image)/'), { path: '^crds/' }),
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
    no('pure-rooms', 'no I/O, clock or thread in the data tier', sources(`^(${PURE.join('|')})/`), {
      dependencyTypes: ['core'],
    }),
    no('pure-decisions', 'decisions do no I/O', sources(`^(${PURE_OPERATOR.join('|')})`), {
      dependencyTypes: ['core'],
      path: '.',
      pathNot: '^(node:)?crypto$',
    }),
    no('contract-zod', 'the contract is zod and constants', sources('^runner/contract/'), {
      path: 'node_modules/',
      pathNot: 'node_modules/zod/',
    }),
    no('operator-no-yaml', 'the operator needs no YAML parser', sources('^operator/'), {
      path: 'node_modules/(js-)?yaml/',
      reachable: true,
    }),
    no(
      'resolvable',
      'every import resolves',
      { path: '^(runner|operator|crds|test|image|tools)/' },
      { couldNotResolve: true },
    ),
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
