import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CORPUS, LOCAL, STRICTER } from './corpus.ts';
import { filmOfCommands } from './film-of.ts';

/** Film or refusal of the API server, by what is odd. `npx vitest run --project cluster test/end-to-end/manifests.test.ts` compares. */
const expected = new Map<string, unknown>(
  readFileSync(join(import.meta.dirname, 'expected.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line)),
);

describe('the commands read a manifest as kubectl and the API server do:', () => {
  it('every one of the corpus has its answer', () => {
    expect(CORPUS.map(({ what }) => what)).toEqual([...expected.keys()]);
  });

  it.each(CORPUS)('$what', ({ what, bytes }) => {
    const film = filmOfCommands(bytes);
    expect(typeof film === 'string' ? 'refused' : film, String(film)).toEqual(expected.get(what));
  });

  it.each(STRICTER)('but not $what', ({ bytes }) => {
    expect(filmOfCommands(bytes)).toMatch(/^E_MANIFEST_(TEXT|YAML): film\.yaml/);
  });

  it.each(LOCAL)('and do with $what', ({ bytes }) => {
    expect(filmOfCommands(bytes)).toMatchObject({
      name: 'a-case',
      model: { ref: 'tiny' },
      output: { formats: ['mp4'] },
    });
  });
});
