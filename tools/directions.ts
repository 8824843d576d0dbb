/**
 * Holds the import directions of the rooms (`rooms.ts`, `.dependency-cruiser.cjs`) and the purity of those that know no clock, chance
 * or environment (`biome.json`), and proves that both checks bite: whatever is planted by `breaches.ts` must be reported by the rule
 * that it breaks, and no rule is without a planted breach. Run by `npm run directions`.
 */

import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Breach, plantArrows, plantDecisions, plantGlobals, plantOthers } from './breaches.ts';
import { DECISIONS, filesOf, ROOMS, roomOf } from './rooms.ts';

interface Violation {
  readonly from: string;
  readonly to: string;
  readonly rule: { readonly name: string };
}

interface Module {
  readonly source: string;
  readonly dependencies: readonly { readonly resolved: string }[];
}

const ROOT = join(import.meta.dirname, '..');
/** Names of all rules of imports. */
const RULES: readonly string[] = createRequire(import.meta.url)('../.dependency-cruiser.cjs').forbidden.map(
  ({ name }: { name: string }) => name,
);
const FOLDERS = ['runner', 'operator', 'crds', 'charts', 'test', 'image', 'tools', 'bin'];
const LISTED = /^(runner|operator|crds|charts|image|bin)\//;
const TEST = /\.test\.ts$/;

function run(folder: string, program: string, args: readonly string[]): string {
  const { stdout, stderr } = spawnSync(process.execPath, [join(ROOT, 'node_modules', program), ...args], {
    cwd: folder,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  if (stdout === '') throw new Error(`${program} did not run: ${stderr}`);
  return stdout;
}

function cruise(folder: string): { violations: readonly Violation[]; modules: readonly Module[] } {
  const present = FOLDERS.filter((name) => existsSync(join(folder, name)));
  const args = ['--config', '.dependency-cruiser.cjs', '--output-type', 'json', ...present];
  const report = JSON.parse(run(folder, '.bin/depcruise', args));
  return { violations: report.summary.violations, modules: report.modules };
}

/** Calls `check` with a folder that holds these files and the settings of the checks. */
function inPlanted<T>(files: Readonly<Record<string, string>>, check: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'dualparal-breach-'));
  const copies = ['.dependency-cruiser.cjs', 'biome.json', 'package.json', 'tools/rooms.ts'];
  try {
    for (const path of [...copies, ...Object.keys(files)]) mkdirSync(join(folder, dirname(path)), { recursive: true });
    for (const path of copies) copyFileSync(join(ROOT, path), join(folder, path));
    for (const [path, text] of Object.entries(files)) writeFileSync(join(folder, path), text);
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    return check(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const PLANTED = () => [plantArrows(), plantDecisions(), plantOthers()];

/** Breaches that were planted and not reported. */
function missedBreaches(): readonly string[] {
  const planted = PLANTED();
  const missed = planted.flatMap(({ files, breaches }) => {
    const { violations } = inPlanted(files, cruise);
    const isFound = ({ rule, from, to }: Breach) =>
      violations.some((found) => found.rule.name === rule && found.from === from && found.to.includes(to));
    return breaches.filter((breach) => !isFound(breach)).map(({ rule, from, to }) => `${rule}: ${from} imports ${to}`);
  });
  const proved = new Set(planted.flatMap(({ breaches }) => breaches.map(({ rule }) => rule)));
  const unproved = RULES.filter((name) => !proved.has(name));
  return [...missed, ...unproved.map((name) => `${name}: it has no planted breach`)];
}

/** Lines with an impure use that the linter did not report. */
function missedGlobals(): readonly string[] {
  const { files, lines } = plantGlobals();
  const args = ['lint', '--vcs-enabled=false', '--reporter=json', '--max-diagnostics=none', ...Object.keys(files)];
  const { diagnostics } = JSON.parse(inPlanted(files, (folder) => run(folder, '@biomejs/biome/bin/biome', args)));
  const found = new Set<string>();
  for (const { category, location } of diagnostics) {
    if (/noRestrictedGlobals|noJsRestrictedProperties/.test(category))
      found.add(`${location.path}:${location.start.line}`);
  }
  const planted = Object.entries(files).flatMap(([path, text]) =>
    text
      .split('\n')
      .slice(0, lines)
      .map((use, index) => ({ at: `${path}:${index + 1}`, use })),
  );
  return planted.filter(({ at }) => !found.has(at)).map(({ at, use }) => `pure rooms: ${at} ${use}`);
}

/** What `rooms.ts` says and the sources do not do: rooms that are not listed or not there, arrows that no import uses. */
function staleRooms(modules: readonly Module[]): readonly string[] {
  const files = modules.map(({ source }) => source).filter((source) => LISTED.test(source));
  const unlisted = files.filter((file) => roomOf(file) === undefined && !TEST.test(file));
  const used = new Set(
    modules
      .filter(({ source }) => !TEST.test(source))
      .flatMap(({ source, dependencies }) =>
        dependencies.map(({ resolved }) => `${roomOf(source)} → ${roomOf(resolved)}`),
      ),
  );
  const arrows = Object.entries(ROOMS).flatMap(([room, allowed]) => allowed.map((other) => `${room} → ${other}`));
  return [
    ...unlisted.map((file) => `${file} is in no room of tools/rooms.ts`),
    ...Object.keys(ROOMS)
      .filter((room) => !files.some((file) => roomOf(file) === room))
      .map((room) => `tools/rooms.ts lists ${room}, which has no file`),
    ...arrows
      .filter((arrow) => !used.has(arrow))
      .map((arrow) => `tools/rooms.ts allows ${arrow}, which no import uses`),
  ];
}

/** What `rooms.ts` lets a part that decides import, and it does not; a part that is not there imports nothing. */
function staleDecisions(modules: readonly Module[]): readonly string[] {
  return Object.entries(DECISIONS).flatMap(([part, allowed]) => {
    const isPart = (source: string) => new RegExp(filesOf([part])).test(source) && !TEST.test(source);
    const imported = modules.filter(({ source }) => isPart(source)).flatMap(({ dependencies }) => dependencies);
    const isUsed = (other: string) => imported.some(({ resolved }) => new RegExp(filesOf([other])).test(resolved));
    return allowed
      .filter((other) => !isUsed(other))
      .map((other) => `tools/rooms.ts lets ${part} import ${other}, and it does not`);
  });
}

const { violations, modules } = cruise(ROOT);
const wrong = [
  ...violations.map(({ from, to, rule }) => `${rule.name}: ${from} imports ${to}`),
  ...staleRooms(modules),
  ...staleDecisions(modules),
  ...[...missedBreaches(), ...missedGlobals()].map(
    (breach) => `a planted breach was not found, the check does not bite: ${breach}`,
  ),
];
for (const line of wrong) console.error(line);
if (wrong.length > 0) process.exit(1);
const planted = PLANTED().flatMap(({ breaches }) => breaches).length;
const uses = Object.keys(plantGlobals().files).length * plantGlobals().lines;
console.log(
  `import directions hold in ${modules.length} modules; ${planted} planted imports and ${uses} impure uses were found`,
);
