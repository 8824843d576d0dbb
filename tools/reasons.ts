/** Writes `docs/reasons.md` from the table of reasons in `operator/api`: `npm run gen`. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PASSED_ON, PLACES, type Place } from '../operator/api/reason-places.ts';
import { REASONS } from '../operator/api/reasons.ts';

/** File of the page. */
export const REASONS_FILE = join(import.meta.dirname, '../docs/reasons.md');

/** The whole page. */
export function reasonsPage(): string {
  return [
    '# Reasons of a film',
    '',
    'Generated from `operator/api/reasons.ts` by `npm run gen`; do not edit. A reason is the one word in column WHY of',
    '`kubectl get vg`, in conditions, in `status.attempts` and in events. Words in braces are filled in when it occurs.',
    '',
    '## Where a reason stands',
    '',
    'A reason is read in all the conditions of its row at once, each with that status.',
    '',
    ...table(['place', 'what it means', 'conditions', 'also in'], Object.entries(PLACES).map(placeRow)),
    '',
    '## Reasons of the operator',
    '',
    ...table(
      ['reason', 'what it says', 'when', 'place', 'who can act', 'what to do'],
      Object.entries(REASONS)
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, { says, when, places, fixer, todo }]) => [`\`${name}\``, says, when, listed(places), fixer, todo]),
    ),
    '',
    '## Reasons of others, passed on in their words',
    '',
    ...table(
      ['whose', 'reasons', 'when', 'place', 'what to do'],
      PASSED_ON.map(({ whose, names, when, places, todo }) => [
        whose,
        names.map((name) => `\`${name}\``).join(', '),
        when,
        listed(places),
        todo,
      ]),
    ),
    '',
  ].join('\n');
}

function placeRow([name, { means, conditions, also }]: [string, (typeof PLACES)[Place]]): readonly string[] {
  return [name, means, conditions.map((condition) => `\`${condition}\``).join(', '), also];
}

function listed(places: readonly Place[]): string {
  return places.join(', ');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)];
}

if (import.meta.main) writeFileSync(REASONS_FILE, reasonsPage());
