/**
 * What the API server makes of odd manifests, beside what the commands read. `UPDATE_MANIFESTS=1` writes its answers down for
 * `test/manifests/corpus.test.ts`, which needs no cluster.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Cluster, startCluster, stopCluster } from '../cluster/cluster.ts';
import { clusterSupport } from '../cluster/support.ts';
import { CORPUS, LOCAL, type OddManifest, STRICTER } from '../manifests/corpus.ts';
import { type Film, filmOfCommands, filmOfServer } from '../manifests/film-of.ts';
import { installResource } from './operator-process.ts';

const support = clusterSupport();
const NAME = 'manifests-test';
const EXPECTED = join(import.meta.dirname, '../manifests/expected.jsonl');
const AT_ONCE = 4;

let cluster: Cluster;
let folder: string;

type Kinded = { readonly kind: string; readonly items?: readonly Kinded[] };

/** The film that the API server would make of a manifest, or `refused` and why. */
async function filmOfCluster({ bytes }: OddManifest, index: number): Promise<Film | string> {
  const file = join(folder, `${index}.yaml`);
  writeFileSync(file, bytes);
  const { code, stdout, stderr } = await cluster.kubectl(['create', '--dry-run=server', '-o', 'json', '-f', file]);
  if (code !== 0) return `refused: ${stderr.trim()}`;
  const objects = stdout
    .trim()
    .split(/\n(?=\{)/)
    .filter((text) => text !== '')
    .flatMap((text) => {
      const object = JSON.parse(text) as Kinded;
      return object.items ?? [object];
    });
  const film = objects.find(({ kind }) => kind === 'VideoGeneration');
  return film === undefined
    ? 'refused: no film in it'
    : filmOfServer(film as unknown as Parameters<typeof filmOfServer>[0]);
}

/** Answers in the order of the questions, some asked at a time. */
async function ask(manifests: readonly OddManifest[]): Promise<readonly (Film | string)[]> {
  const answers: (Film | string)[] = [];
  for (let at = 0; at < manifests.length; at += AT_ONCE) {
    const some = manifests.slice(at, at + AT_ONCE);
    answers.push(...(await Promise.all(some.map((manifest, index) => filmOfCluster(manifest, at + index)))));
  }
  return answers;
}

const judged = (answer: Film | string) => (typeof answer === 'string' ? 'refused' : answer);

describe.skipIf(!support.ok)(`odd manifests on a real API server${support.ok ? '' : ` (${support.reason})`}`, () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'dualparal-manifests-'));
    cluster = await startCluster({ name: NAME, report: (line) => process.stderr.write(`[cluster] ${line}\n`) });
    await installResource(cluster);
  });
  afterAll(async () => {
    await stopCluster(NAME);
    rmSync(folder, { recursive: true, force: true });
  });

  test('are refused there and here, or are the same film there and here', async () => {
    const answers = await ask(CORPUS);
    const there = CORPUS.map(({ what }, index) => [what, judged(answers[index] ?? '')] as const);
    const lines = there.map((answer) => `${JSON.stringify(answer)}\n`).join('');
    if (process.env.UPDATE_MANIFESTS) writeFileSync(EXPECTED, lines);
    const here = CORPUS.map(({ what, bytes }) => [what, judged(filmOfCommands(bytes))] as const);
    expect(Object.fromEntries(here)).toEqual(Object.fromEntries(there));
    const stored = readFileSync(EXPECTED, 'utf8').trimEnd().split('\n');
    expect(stored.map((line) => JSON.parse(line))).toEqual(there);
  });

  test('differ only where the corpus says so', async () => {
    expect((await ask(STRICTER)).filter((answer) => typeof answer === 'string')).toEqual([]);
    expect((await ask(LOCAL)).filter((answer) => typeof answer !== 'string')).toEqual([]);
  });
});
