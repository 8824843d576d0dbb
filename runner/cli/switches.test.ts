import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { EXITS } from '#contract/exit.ts';

const ROOT = join(import.meta.dirname, '../..');
const FILM = ['-f', join(ROOT, 'examples/first-film.yaml'), '--model', join(ROOT, 'models/tiny')];

test.each([
  { verb: ['plan', ...FILM], variable: 'DUALPARAL_IGNORE_MEMORY' },
  { verb: ['generate', ...FILM, '-o', '/nonexistent/films'], variable: 'DUALPARAL_IGNORE_MEMORY' },
  { verb: ['generate', ...FILM, '-o', '/nonexistent/films'], variable: 'DUALPARAL_NO_PARENT' },
  { verb: ['devices'], variable: 'DUALPARAL_DEBUG' },
  { verb: ['devices'], variable: 'DUALPARAL_IGNORE_MEMORY' },
  { verb: ['plan', ...FILM, '--ignore-memory'], variable: 'DUALPARAL_IGNORE_MEMORY' },
])('$verb.0 refuses $variable=true by name', ({ verb, variable }) => {
  const { status, stderr } = spawnSync(join(ROOT, 'bin/dualparal.mjs'), verb, {
    encoding: 'utf8',
    env: { PATH: `${join(process.execPath, '..')}:/bin`, DUALPARAL_DEVICE: 'cpu', [variable]: 'true' },
  });
  expect([status, stderr]).toEqual([
    EXITS.usage.code,
    expect.stringContaining(`E_ENVIRONMENT_SWITCH: ${variable} must be 1 (yes) or 0 (no), found 'true'\n`),
  ]);
});
