/**
 * Holds the import directions of the rooms (`.dependency-cruiser.cjs`), then proves that the check bites:
 * each planted breach below must be reported by the rule that it breaks. Run by `npm run directions`.
 */

import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

interface Violation {
  readonly from: string;
  readonly to: string;
  readonly rule: { readonly name: string };
}

const ROOT = join(import.meta.dirname, '..');
const ROOMS = ['runner', 'operator', 'crds', 'test', 'image', 'tools', 'bin'];

/** What must be found: rule → planted files. The first file holds the breach. */
const BREACHES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'operator-not-runner': { 'operator/job/build.ts': "import '../../runner/plan/plan.ts';", 'runner/plan/plan.ts': '' },
  'runner-not-operator': { 'runner/cli/main.ts': "import '../../operator/api/a.ts';", 'operator/api/a.ts': '' },
  'only-ort-koffi': { 'runner/pipeline/stage.ts': "import koffi from 'koffi'; koffi.load('');" },
  'only-kube-client': {
    'operator/reconcile/act.ts':
      "import type { KubeConfig } from '@kubernetes/client-node';\nexport type A = KubeConfig;",
  },
  'pure-rooms': { 'runner/plan/plan.ts': "import { readFileSync } from 'node:fs'; readFileSync('');" },
  'pure-decisions': { 'operator/reconcile/decide.ts': "import { readFileSync } from 'node:fs'; readFileSync('');" },
  'runner/model': {
    'runner/model/graph.ts': "import type { A } from '../ort/api.ts';\nexport type B = A;",
    'runner/ort/api.ts': 'export type A = 1;',
  },
  'runner/plan': { 'runner/plan/plan.ts': "export const a = import('../pipeline/a.ts');", 'runner/pipeline/a.ts': '' },
  'operator/kube': { 'operator/kube/client.ts': "import '../api/a.ts';", 'operator/api/a.ts': '' },
  'sources-not-test': { 'runner/cli/main.ts': "import '../../test/build/a.ts';", 'test/build/a.ts': '' },
  'nothing-from-crds': { 'operator/main.ts': "import '../crds/generate.ts';", 'crds/generate.ts': '' },
  'operator-no-yaml': {
    'operator/api/crd.ts': "import '#contract/job-spec.ts';",
    'runner/contract/job-spec.ts': "import { parse } from 'yaml'; parse('');",
  },
  'contract-zod': { 'runner/contract/a.ts': "import pino from 'pino'; pino();" },
  resolvable: { 'runner/cli/main.ts': "import './absent.ts';" },
  'no-cycles': { 'runner/text/a.ts': "import './b.ts';", 'runner/text/b.ts': "import './a.ts';" },
};

function cruise(folder: string): { violations: readonly Violation[]; modules: number } {
  const args = [join(ROOT, 'node_modules/.bin/depcruise'), '--config', '.dependency-cruiser.cjs'];
  const present = ROOMS.filter((room) => spawnSync('test', ['-d', join(folder, room)]).status === 0);
  const run = spawnSync(process.execPath, [...args, '--output-type', 'json', ...present], {
    cwd: folder,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  if (run.stdout === '') throw new Error(`the import checker did not run: ${run.stderr}`);
  const report = JSON.parse(run.stdout) as { modules: unknown[]; summary: { violations: Violation[] } };
  return { violations: report.summary.violations, modules: report.modules.length };
}

function plant(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'dualparal-breach-'));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(folder, dirname(path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  for (const file of ['.dependency-cruiser.cjs', 'package.json']) copyFileSync(join(ROOT, file), join(folder, file));
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}

function proveThatItBites(): readonly string[] {
  const missed: string[] = [];
  for (const [rule, files] of Object.entries(BREACHES)) {
    const folder = plant(files);
    const found = cruise(folder).violations.some((violation) => violation.rule.name === rule);
    rmSync(folder, { recursive: true });
    if (!found) missed.push(rule);
  }
  return missed;
}

const { violations, modules } = cruise(ROOT);
for (const { from, to, rule } of violations) console.error(`${rule.name}: ${from} imports ${to}`);
const missed = proveThatItBites();
for (const rule of missed) console.error(`the planted breach of '${rule}' was not found: the check does not bite`);
if (violations.length + missed.length > 0) process.exit(1);
console.log(
  `import directions hold in ${modules} modules; ${Object.keys(BREACHES).length} planted breaches were found`,
);
