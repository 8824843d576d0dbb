/**
 * Writes `deploy/`, the manifests for those who do without Helm, as Helm renders them from the chart: `node charts/deploy.ts [HELM]`.
 * Real Helm is needed: the one of the PATH, or that of the test bed (`test/cluster/`).
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isMap, parseAllDocuments, visit } from 'yaml';

const ROOT = join(import.meta.dirname, '..');
const DEPLOY = join(ROOT, 'deploy');
const HEADER = '# Rendered from charts/dualparal by `node charts/deploy.ts`. Do not edit.\n';
/** Files by the template that each comes from, in the order in which they are applied. */
const TEMPLATES: readonly string[] = [
  'namespace',
  'service-account',
  'rbac',
  'service',
  'deployment',
  'pod-disruption-budget',
] as const;
/** What says that Helm looks after an object. */
const HELMS_LABELS = ['app.kubernetes.io/managed-by', 'helm.sh/chart'];

/** Text of each file of `deploy/`, as this Helm renders it. Throws where Helm fails. */
export function deployFiles(helm: string): Readonly<Record<string, string>> {
  const values = join(ROOT, 'charts/deploy-values.yaml');
  const args = ['template', 'dualparal', join(ROOT, 'charts/dualparal'), '-n', 'dualparal-system', '-f', values];
  const { status, stdout, stderr, error } = spawnSync(helm, args, { encoding: 'utf8', maxBuffer: 1 << 26 });
  if (status !== 0) throw new Error(`${helm} template: ${error?.message ?? stderr}`);
  return filesOf(stdout);
}

/** Sorts rendered objects into files, without what only Helm needs. Throws for a template that no file is known for. */
export function filesOf(rendered: string): Readonly<Record<string, string>> {
  const texts = new Map<string, string[]>();
  for (const part of rendered.split(/^---\n/m).filter((text) => text.trim() !== '')) {
    const template = /^# Source: dualparal\/templates\/(.+)\.yaml$/m.exec(part)?.[1] ?? '';
    const number = TEMPLATES.indexOf(template) + 1;
    if (number === 0) throw new Error(`charts/deploy.ts knows no file for template '${template}'`);
    const file = `${number}-${template}.yaml`;
    texts.set(file, [...(texts.get(file) ?? []), plainObject(part.replace(/^# Source: .*\n/m, ''))]);
  }
  return Object.fromEntries([...texts].map(([file, objects]) => [file, HEADER + objects.join('---\n')]));
}

function plainObject(text: string): string {
  const [document] = parseAllDocuments(text);
  if (document === undefined || !('contents' in document)) return '';
  visit(document, {
    Pair(_, pair) {
      if (!isMap(pair.value) || String(pair.key) !== 'labels') return;
      for (const label of HELMS_LABELS) pair.value.delete(label);
    },
  });
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}

if (import.meta.main) {
  const files = deployFiles(process.argv[2] ?? 'helm');
  for (const name of readdirSync(DEPLOY)) if (name.endsWith('.yaml')) rmSync(join(DEPLOY, name));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(DEPLOY, name), text);
}
