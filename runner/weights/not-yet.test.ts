/** What of a model may still be on its way, and what no waiting mends: the exit codes of an attempt. */
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { attemptExitCodeOf, exitCodeOf, fromErrorRecord, toErrorRecord } from '#contract/error.ts';
import { openModel } from './open-model.ts';

const GOLDEN = fileURLToPath(new URL('../../test/golden/data/tiny-wan', import.meta.url));
const WEIGHTS = 'transformer/diffusion_pytorch_model.safetensors';
const scratch = mkdtempSync(join(tmpdir(), 'not-yet-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const remove = (name: string) => (folder: string) => rmSync(join(folder, name), { recursive: true });
const only = (name: string) => (folder: string) => {
  remove('.')(folder);
  mkdirSync(folder);
  if (name !== '') writeFileSync(join(folder, name), 'x');
};

test.each<[string, number, (folder: string) => void]>([
  ['no folder', 41, remove('.')],
  ['an empty folder', 41, only('')],
  ['a folder with a licence alone', 41, only('LICENSE')],
  ['no model_index.json', 41, remove('model_index.json')],
  ['no weights of a component', 41, remove(WEIGHTS)],
  ['no config of a component', 41, remove('vae/config.json')],
  [
    'weights that a download is not done with',
    41,
    (folder) => renameSync(join(folder, WEIGHTS), join(folder, `${WEIGHTS}.incomplete`)),
  ],
  [
    'a part of the weights, before the index that names them',
    41,
    (folder) => renameSync(join(folder, WEIGHTS), join(folder, WEIGHTS.replace('.s', '-00001-of-00002.s'))),
  ],
  ['weights that are not whole', 41, (folder) => truncateSync(join(folder, WEIGHTS), 5000)],
  ['weights without a whole header', 41, (folder) => truncateSync(join(folder, WEIGHTS), 100)],
  ['weights of a few bytes', 41, (folder) => truncateSync(join(folder, WEIGHTS), 3)],
  ['empty weights', 41, (folder) => truncateSync(join(folder, WEIGHTS))],
  [
    'weights that have their length, and nothing in them',
    41,
    (folder) => {
      const { size } = statSync(join(folder, WEIGHTS));
      truncateSync(join(folder, WEIGHTS));
      truncateSync(join(folder, WEIGHTS), size);
    },
  ],
  ['an empty index', 41, (folder) => truncateSync(join(folder, 'model_index.json'))],
  ['weights with bytes too many', 40, (folder) => appendFileSync(join(folder, WEIGHTS), 'x')],
  [
    'weights that have their length, and zeros in the later part of their header',
    41,
    (folder) => {
      const bytes = readFileSync(join(folder, WEIGHTS));
      writeFileSync(join(folder, WEIGHTS), bytes.fill(0, 4096));
    },
  ],
  [
    'weights with zeros within their header',
    40,
    (folder) => {
      const bytes = readFileSync(join(folder, WEIGHTS));
      writeFileSync(join(folder, WEIGHTS), bytes.fill(0, 100, 120));
    },
  ],
  ...['model_index.json', 'vae/config.json'].flatMap((file): [string, number, (folder: string) => void][] => [
    [`a ${file} that is not whole`, 41, (folder) => truncateSync(join(folder, file), 100)],
    [
      `a ${file} that has its length, and zeros in its later part`,
      41,
      (folder) => writeFileSync(join(folder, file), readFileSync(join(folder, file)).fill(0, 100)),
    ],
    [`a ${file} that is no JSON`, 40, (folder) => writeFileSync(join(folder, file), '{]')],
  ]),
  [
    'an index of the weights that is not whole',
    41,
    (folder) => writeFileSync(join(folder, `${WEIGHTS}.index.json`), '{"weight_map": {"blocks.0'),
  ],
  [
    'an index of the weights that is damaged',
    40,
    (folder) => writeFileSync(join(folder, `${WEIGHTS}.index.json`), '{"weight_map" {"blocks.0": 1}}'),
  ],
  ['an empty config', 41, (folder) => writeFileSync(join(folder, 'vae/config.json'), '')],
  ['a model of another kind', 40, (folder) => writeFileSync(join(folder, 'model_index.json'), '{"_class_name": "X"}')],
  ['a single weight file', 40, only('wan.safetensors')],
  [
    'a link that leads nowhere',
    40,
    (folder) => {
      remove('.')(folder);
      symlinkSync('/nowhere/wan', folder);
    },
  ],
])('an attempt that finds %s ends with %i, a command for people with 40', (_what, code, damage) => {
  const folder = join(mkdtempSync(join(scratch, 'm-')), 'model');
  cpSync(GOLDEN, folder, { recursive: true });
  damage(folder);
  let error: unknown;
  try {
    openModel(folder);
  } catch (thrown) {
    error = thrown;
  }
  const travelled = fromErrorRecord(toErrorRecord(error));
  expect([exitCodeOf(error), attemptExitCodeOf(error), attemptExitCodeOf(travelled)]).toEqual([40, code, code]);
});
