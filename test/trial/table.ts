import type { Summary } from './summary.ts';

/** A row of the table: a way and what its films came to. */
export interface Row {
  readonly name: string;
  readonly summary: Summary;
}

const percent = (share: number) => `${Math.round(100 * share)} %`;
const or = (value: number | null, text: (value: number) => string) => (value === null ? '–' : text(value));
const ratio = (value: number) => value.toFixed(2);

const COLUMNS: readonly (readonly [string, (summary: Summary) => string])[] = [
  ['frames', ({ frames }) => String(frames)],
  ['colour', ({ colour }) => percent(colour)],
  ['worst quarter', ({ colourByQuarter }) => percent(Math.min(...colourByQuarter))],
  ['shape', ({ shape }) => percent(shape)],
  ['direction', ({ direction }) => percent(direction)],
  ['in every quarter', ({ directionKept }) => percent(directionKept)],
  ['seam ratio', ({ seamRatio }) => or(seamRatio, ratio)],
  ['joins passed', ({ joinsKept }) => or(joinsKept, percent)],
  ['colour drift', ({ colourDrift }) => colourDrift.toFixed(1)],
  ['sharpness drift', ({ sharpnessDrift }) => percent(sharpnessDrift)],
  ['repetition', ({ repetition }) => or(repetition, ratio)],
  ['collapsed', ({ collapsed }) => percent(collapsed)],
  ['CPU s / 100 frames', ({ processorSecondsPer100Frames: seconds }) => seconds.toFixed(1)],
];

/** The rows as a table in Markdown. */
export function tableOf(rows: readonly Row[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const head = ['way', ...COLUMNS.map(([title]) => title)];
  return [
    line(head),
    line(head.map((_, at) => (at === 0 ? '---' : '---:'))),
    ...rows.map(({ name, summary }) => line([name, ...COLUMNS.map(([, cell]) => cell(summary))])),
  ].join('\n');
}

const END = '<!-- end -->';

/** The page with `text` between the marks of table `name`; `text` follows the page where it has none. */
export function withTable(page: string, name: string, text: string): string {
  const begin = `<!-- begin: written by npm run trial -- --table ${name} -->`;
  const written = `${begin}\n${text}\n${END}`;
  const [before, rest] = page.split(begin);
  const after = rest?.split(END);
  if (before === undefined || after === undefined || after.length < 2) return `${page}${written}\n`;
  return `${before}${written}${after.slice(1).join(END)}`;
}
