import type { Generation } from '#contract/generation.ts';
import { lifeCycleShape } from '#contract/life-cycle.ts';
import { withoutNulls } from '#contract/nulls.ts';
import { listed, printed, problemsOf } from '#contract/problems.ts';
import { type LocalSpec, localSpecSchema, RESOURCE_API_VERSION, RESOURCE_KIND } from '#contract/resource-spec.ts';
import { type Sentence, unknownField, unknownFields } from '#contract/unknown-fields.ts';
import { decodeText } from './decode-text.ts';
import { readDocuments } from './documents.ts';
import { manifestError } from './errors.ts';
import { METADATA_FIELDS, readMetadata } from './metadata.ts';
import type { Json } from './tree.ts';

/** A manifest as the commands use it. */
export interface Manifest {
  readonly name: string;
  readonly generation: Generation;
  /** Folder on this machine, where the model's source is a `hostPath`. */
  readonly modelFolder?: string;
  /** Fields and documents that the file carries and only a cluster uses. */
  readonly clusterOnly: readonly string[];
}

type Fields = { readonly [key: string]: Json };

const ROOT_FIELDS = ['apiVersion', 'kind', 'metadata', 'spec', 'status'];

/**
 * Reads the bytes of a manifest as `kubectl apply` and the API server do: the same film, or a refusal where they refuse.
 * Other kinds of documents may stand beside the one `VideoGeneration`. All problems of its fields come in one error. `file` only
 * names the source in messages. Without a cluster a file may leave out the model's source and the film's claim.
 */
export function readManifest(bytes: Uint8Array, file: string): Manifest {
  const objects = readDocuments(decodeText(bytes, file), file).flatMap(withItems);
  const films = objects.filter((object) => isFields(object) && object.kind === RESOURCE_KIND);
  const [film] = films;
  const nameless = objects.some((object) => !isFields(object) || typeof object.kind !== 'string');
  if (!isFields(film) || films.length > 1 || nameless) {
    throw manifestError('E_MANIFEST_KIND', { file, found: kindsText(objects) });
  }
  if (film.apiVersion !== RESOURCE_API_VERSION) {
    const found = film.apiVersion === undefined ? 'none' : printed(film.apiVersion);
    throw manifestError('E_MANIFEST_VERSION', { file, wanted: RESOURCE_API_VERSION, found });
  }
  const { name, spec } = checkedFilm(film, file);
  const { model, output } = spec;
  const others = objects.filter((object) => object !== film).map((object) => `document ${kindsText([object])}`);
  return {
    name,
    generation: { ...generationFields(spec), model: { ref: model.ref }, output: { formats: output.formats } },
    ...(model.source?.hostPath === undefined ? {} : { modelFolder: model.source.hostPath.path }),
    clusterOnly: [...clusterFields(film), ...others],
  };
}

function checkedFilm(film: Fields, file: string): { readonly name: string; readonly spec: LocalSpec } {
  const metadata = readMetadata(film.metadata);
  const given = film.spec ?? {};
  const spec = withoutNulls(given, localSpecSchema);
  const parsed = localSpecSchema.safeParse(inDoubles(spec));
  const problems = [
    ...unknownKeys(film, '', ROOT_FIELDS),
    ...unknownKeys(film.metadata, 'metadata', METADATA_FIELDS),
    ...unknownFields(given, localSpecSchema, 'spec'),
    ...metadata.problems,
    ...(parsed.success
      ? []
      : problemsOf(parsed.error, spec, localSpecSchema).map((text) => `spec${/^[:[]/.test(text) ? '' : '.'}${text}`)),
  ];
  if (!parsed.success || problems.length > 0) {
    throw manifestError('E_MANIFEST_FIELDS', { file, problems: listed(problems) });
  }
  return { name: metadata.name, spec: parsed.data };
}

/** Large whole numbers as the doubles that they are to a film; messages show them as they were written. */
function inDoubles(value: Json): Json {
  if (typeof value === 'bigint') return Number(value);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(inDoubles);
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, inDoubles(entry)]));
}

/** What says which film to make. */
function generationFields(spec: LocalSpec): Omit<Generation, 'model' | 'output'> {
  const { prompt, negativePrompt, seed, length, size, fps, sampling, parallelism, decoding, checkpoint } = spec;
  return { prompt, negativePrompt, seed, length, size, fps, sampling, parallelism, decoding, checkpoint };
}

function unknownKeys(value: Json | undefined, path: string, known: readonly string[]): readonly Sentence[] {
  if (!isFields(value)) return [];
  return Object.keys(value)
    .filter((key) => !known.includes(key))
    .map((key) => unknownField(path, key, known));
}

/** Fields of the resource that a command without a cluster has no use for. */
const CLUSTER_FIELDS = [
  'status',
  'spec.model.source',
  'spec.output.persistentVolumeClaim',
  'spec.retries',
  ...Object.keys(lifeCycleShape).map((field) => `spec.${field}`),
  'spec.runner',
];

function clusterFields(film: Fields): readonly string[] {
  return CLUSTER_FIELDS.filter((path) => {
    const at = path.split('.').reduce<Json | undefined>((tree, key) => (isFields(tree) ? tree[key] : undefined), film);
    return at !== undefined && at !== null;
  });
}

/** The items of a `List`, as kubectl unfolds it. */
function withItems(object: Json): readonly Json[] {
  if (!isFields(object) || typeof object.kind !== 'string' || !object.kind.endsWith('List')) return [object];
  return Array.isArray(object.items) ? (object.items as readonly Json[]).flatMap(withItems) : [object];
}

function isFields(value: Json | undefined): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function kindsText(objects: readonly Json[]): string {
  const kinds = objects.map((object) => () => {
    if (Array.isArray(object)) return 'a list';
    if (!isFields(object)) return `a document without fields (${printed(object)})`;
    const name = isFields(object.metadata) ? object.metadata.name : undefined;
    const parts = [object.kind ?? 'no kind', name].filter((part) => part !== undefined && part !== null);
    return parts.map((part) => (typeof part === 'string' && part.length <= 63 ? part : printed(part))).join(' ');
  });
  return kinds.length === 0 ? 'none' : listed(kinds, ', ');
}
