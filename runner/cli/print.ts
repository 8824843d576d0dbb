/** The one way to a terminal: every line is made printable first, so no text from a file or prompt can steer the terminal. */
import { printable, printableJson } from './printable.ts';

/** Lines on standard output. */
export function printLines(lines: readonly string[]): void {
  if (lines.length > 0) console.log(lines.map(printable).join('\n'));
}

/** Lines on standard error: notes, warnings, errors. */
export function printNotes(lines: readonly string[]): void {
  if (lines.length > 0) console.error(lines.map(printable).join('\n'));
}

/** A value as JSON on standard output, on one line unless `indent` is given. */
export function printJson(value: unknown, indent?: number): void {
  console.log(printableJson(value, indent));
}
