import { below, printed } from '#contract/problems.ts';
import type { Json } from './tree.ts';

type Fields = { readonly [key: string]: Json };

/** Fields of an object's metadata; whoever applies a manifest fills in most of them. */
export const METADATA_FIELDS = [
  ...['name', 'generateName', 'namespace', 'labels', 'annotations', 'finalizers', 'ownerReferences', 'managedFields'],
  ...['selfLink', 'uid', 'resourceVersion', 'generation', 'creationTimestamp', 'deletionTimestamp'],
  'deletionGracePeriodSeconds',
] as const;

/** The operator's own rule: pods and Jobs carry the name as a label. */
const NAME_CHARACTERS = 63;
/** The API server adds five characters of its own. */
const GENERATED_CHARACTERS = 5;
const LABEL = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/;
const LABEL_VALUE = /^([A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?)?$/;
const QUALIFIED = /^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$/;
const WHAT_A_NAME_IS = 'must be of small letters, digits, "-" and ".", and start and end with a letter or digit';

/** Name of the film, and what is wrong with the metadata in the API server's eyes, each with its path. */
export function readMetadata(metadata: Json | undefined): {
  readonly name: string;
  readonly problems: readonly string[];
} {
  if (metadata !== undefined && metadata !== null && !isFields(metadata)) {
    return { name: '', problems: ['metadata: must be a map of fields'] };
  }
  const fields = isFields(metadata) ? metadata : {};
  const texts = ['name', 'generateName', 'namespace'].flatMap((field) => textProblem(fields, field));
  if (texts.length > 0) return { name: '', problems: texts };
  const problems = [
    ...namespaceProblems(fields),
    ...labelProblems(fields.labels),
    ...annotationProblems(fields.annotations),
  ];
  const name = text(fields.name);
  if (name !== '') return { name, problems: [...nameProblems('metadata.name', name, name), ...problems] };
  const prefix = text(fields.generateName);
  if (prefix === '') return { name: '', problems: ['metadata.name: is required', ...problems] };
  // A name of its own would follow from the API server; here it is what stands before.
  const stem = prefix.replace(/-+$/, '');
  return { name: stem, problems: [...nameProblems('metadata.generateName', prefix, `${stem}x`), ...problems] };
}

function nameProblems(field: string, given: string, name: string): readonly string[] {
  const limit = field === 'metadata.name' ? NAME_CHARACTERS : NAME_CHARACTERS - GENERATED_CHARACTERS;
  if (!SUBDOMAIN.test(name)) return [`${field}: ${WHAT_A_NAME_IS}, found ${printed(given)}`];
  return given.length <= limit ? [] : [`${field}: must have at most ${limit} characters, found ${given.length}`];
}

function namespaceProblems({ namespace }: Fields): readonly string[] {
  const given = text(namespace);
  if (given === '' || (given.length <= NAME_CHARACTERS && LABEL.test(given))) return [];
  return [`metadata.namespace: must be the name of a namespace, found ${printed(given)}`];
}

function labelProblems(labels: Json | undefined): readonly string[] {
  return entriesProblems('metadata.labels', labels, (key, value) => {
    const fits = isQualified(key) && value.length <= 63 && LABEL_VALUE.test(value);
    return fits ? undefined : `metadata.labels: ${printed(key)}: ${printed(value)} is not a label`;
  });
}

function annotationProblems(annotations: Json | undefined): readonly string[] {
  return entriesProblems('metadata.annotations', annotations, (key) =>
    isQualified(key.toLowerCase()) ? undefined : `metadata.annotations: ${printed(key)} is not a key of annotations`,
  );
}

function entriesProblems(
  path: string,
  entries: Json | undefined,
  problem: (key: string, value: string) => string | undefined,
): readonly string[] {
  if (entries === undefined || entries === null) return [];
  if (!isFields(entries)) return [`${path}: must be a map of texts`];
  return Object.entries(entries).flatMap(([key, value]) => {
    if (value !== null && typeof value !== 'string')
      return [`${below(path, key)}: must be a text, found ${printed(value)}: put it in quotes`];
    const found = problem(key, value ?? '');
    return found === undefined ? [] : [found];
  });
}

/** `name` or `prefix/name`. */
function isQualified(key: string): boolean {
  const parts = key.split('/');
  const [prefix, name = ''] = parts.length === 1 ? [undefined, key] : parts;
  if (parts.length > 2 || name.length > 63 || !QUALIFIED.test(name)) return false;
  return prefix === undefined || (prefix.length <= 253 && SUBDOMAIN.test(prefix));
}

function textProblem(fields: Fields, field: string): readonly string[] {
  const value = fields[field];
  if (value === undefined || value === null || typeof value === 'string') return [];
  return [`metadata.${field}: must be a text, found ${printed(value)}: put it in quotes`];
}

function text(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}

function isFields(value: Json | undefined): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
