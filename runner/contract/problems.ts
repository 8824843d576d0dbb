import type { z } from 'zod';
import { schemaAt } from './schema-fields.ts';

type Tree = Readonly<Record<PropertyKey, unknown>>;
type Issue = z.core.$ZodIssue;

/** Problems that one message names; of more it says how many. */
const NAMED_PROBLEMS = 20;
const SHOWN_CHARACTERS = 60;

/**
 * Issues that `schema` finds in `value`, one sentence each and none twice: path, what is wanted, what was found, and what to
 * write instead where that is plain.
 */
export function problemsOf(error: z.ZodError, value: unknown, schema: z.ZodType): readonly string[] {
  const sentences = error.issues.map((issue) => {
    const found = issue.path.reduce<unknown>((at, key) => ownValue(at, key), value);
    const path = pathText(issue.path);
    if (found === undefined && issue.code === 'invalid_type') return `${path}: is required`;
    const wanted = wantedText(issue);
    const shown = found === undefined || (typeof found === 'object' && found !== null) || wanted.includes('found');
    return `${path}: ${wanted}${shown ? '' : `, found ${printed(found)}${remedy(issue, found, schema)}`}`;
  });
  return [...new Set(sentences)];
}

/** The first problems of a list in one line, and how many more there are. Each is a text, or makes one when asked. */
export function listed(problems: readonly (string | (() => string))[], separator = '; '): string {
  const named = problems.slice(0, NAMED_PROBLEMS).map((problem) => (typeof problem === 'string' ? problem : problem()));
  const more = problems.length - named.length;
  return [...named, ...(more > 0 ? [`and ${more} more`] : [])].join(separator);
}

/** A value in a message, on one line and not too long. */
export function printed(value: unknown): string {
  if (typeof value === 'bigint') return String(value);
  const text = JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? Number(part) : part)) ?? String(value);
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS - 3)}…` : text;
}

/** A path as people write it: `spec.output.formats[0]`. */
export function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>((before, key) => below(before, key), '');
}

/** The path of a field or item below a path. Keys that would not fit into a line are quoted and cut. */
export function below(path: string, key: PropertyKey): string {
  if (typeof key === 'number') return `${path}[${key}]`;
  const name = String(key);
  const shown = /^[\w./-]{1,60}$/.test(name) ? name : printed(name);
  return path === '' ? shown : `${path}.${shown}`;
}

function ownValue(at: unknown, key: PropertyKey): unknown {
  return typeof at === 'object' && at !== null && Object.hasOwn(at, key) ? (at as Tree)[key] : undefined;
}

const KINDS: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'a map of fields',
  record: 'a map',
  array: 'a list',
};

function wantedText(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${KINDS[issue.expected] ?? issue.expected}`;
    case 'too_small':
      return sizeText(issue.origin, Number(issue.minimum), issue.inclusive === false ? 'more than' : 'at least');
    case 'too_big':
      return sizeText(issue.origin, Number(issue.maximum), issue.inclusive === false ? 'less than' : 'at most');
    case 'not_multiple_of':
      return `must be a multiple of ${issue.divisor}`;
    case 'invalid_value':
      return `must be ${issue.values.length > 1 ? 'one of ' : ''}${issue.values.map(String).join(', ')}`;
    case 'unrecognized_keys':
      return `has fields that are not known: ${listed(issue.keys.map(String), ', ')}`;
    default:
      // Rules and unions have a sentence of their own.
      return issue.message;
  }
}

function sizeText(origin: string, size: number, bound: string): string {
  if (origin === 'string' && bound === 'at least' && size === 1) return 'must not be empty';
  const unit = { string: 'character', array: 'item' }[origin];
  return unit === undefined ? `must be ${bound} ${size}` : `must have ${bound} ${size} ${unit}${size === 1 ? '' : 's'}`;
}

/** What the field would take, where only quotes, letter case or spaces keep it from what was found. */
function remedy(issue: Issue, found: unknown, schema: z.ZodType): string {
  const field = schemaAt(schema, issue.path);
  const fits = (value: unknown) => value !== undefined && field?.safeParse(value).success === true;
  if (typeof found !== 'string') return found !== null && fits(String(found)) ? ': put it in quotes' : '';
  if (fits(withoutQuotes(found))) return ': leave out the quotes';
  const meant = wordsOf(issue).find((word) => word.toLowerCase() === found.trim().toLowerCase());
  return meant === undefined ? '' : `: write ${meant}`;
}

/** The number or truth value that a text would be without its quotes. */
function withoutQuotes(text: string): number | boolean | undefined {
  if (/^(true|false)$/.test(text)) return text === 'true';
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : undefined;
}

/** Words of which an issue wants one. */
function wordsOf(issue: Issue): readonly string[] {
  if (issue.code === 'invalid_value') return issue.values.filter((value) => typeof value === 'string');
  return issue.code === 'invalid_union' ? issue.errors.flat().flatMap(wordsOf) : [];
}
