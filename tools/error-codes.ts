/** Writes the tables of `docs/error-codes.md` from the error tables of all rooms: `npm run gen`. */
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EXITS } from '../runner/contract/exit.ts';
import { type ErrorRow, errorRowsIn } from './error-tables.ts';

const ROOT = join(import.meta.dirname, '..');
/** File of the page. */
export const PAGE_FILE = join(ROOT, 'docs/error-codes.md');

const PARTS: readonly { readonly title: string; readonly folder: string }[] = [
  { title: 'Making a film', folder: 'runner' },
  { title: 'The operator', folder: 'operator' },
  { title: 'Building images', folder: 'image' },
  { title: 'The test bed', folder: 'test/cluster' },
];

/** Sources that may define or name codes, tests aside, as paths from the root. */
export function sourcesUnder(folder: string): readonly string[] {
  return globSync(`${folder}/**/*.{ts,mjs}`, { cwd: ROOT })
    .filter((file) => !file.endsWith('.test.ts'))
    .sort();
}

/** The whole page. */
export function errorCodesPage(): string {
  return [
    '# Exit codes and error codes',
    '',
    'Generated from the error tables of the sources by `npm run gen`; do not edit. What to do in common cases is in',
    '[troubleshooting](troubleshooting.md). Words in braces are filled in when an error occurs.',
    '',
    '## Exit codes',
    '',
    '| exit | code | meaning | may succeed when tried again |',
    '| --- | --- | --- | --- |',
    ...Object.entries(EXITS).map(
      ([name, { code, meaning, retry }]) => `| ${code} | ${name} | ${meaning} | ${retry ? 'yes' : 'no'} |`,
    ),
    ...PARTS.flatMap(({ title, folder }) => ['', `## ${title}`, '', ...tableOf(rowsUnder(folder))]),
    '',
  ].join('\n');
}

function rowsUnder(folder: string): readonly ErrorRow[] {
  const rows = sourcesUnder(folder).flatMap((file) => errorRowsIn(file, readFileSync(join(ROOT, file), 'utf8')));
  return rows.sort((a, b) => (a.code < b.code ? -1 : 1));
}

function tableOf(rows: readonly ErrorRow[]): readonly string[] {
  const lines = rows.map(({ code, message, fixer, exit }) => {
    const number = EXITS[exit as keyof typeof EXITS].code;
    return `| \`${code}\` | ${message.replaceAll('|', '\\|').replaceAll('\n', ' ')} | ${fixer} | ${number} ${exit} |`;
  });
  return ['| code | what it says | who can fix it | exit |', '| --- | --- | --- | --- |', ...lines];
}

if (import.meta.main) writeFileSync(PAGE_FILE, errorCodesPage());
