import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { type CodedError, defineErrors } from './error.ts';
import {
  decodingField,
  formatsField,
  fpsField,
  framesField,
  framesOfSeconds,
  type JobSpec,
  jobSpecSchema,
  negativePromptField,
  parallelismField,
  promptField,
  samplingField,
  seedField,
  sizeField,
} from './job-spec.ts';
import { type UnknownField, unknownFields } from './unknown-fields.ts';

/** Kind and API version of the resource that a manifest holds. */
export const MANIFEST_KIND = 'VideoGeneration';
export const MANIFEST_API_VERSION = 'dualparal.io/v1alpha1';
/** Frames that the longest film may have, however its length is given. */
export const MAX_FRAMES = 1_000_001;
/** The API server takes no larger object, so neither does the reader. */
const LIMIT_CHARACTERS = 1_500_000;

export const lengthField = z
  .object({
    frames: framesField.optional(),
    seconds: z
      .number()
      .positive()
      .max(62_500)
      .optional()
      .describe('Playing time in seconds, rounded up to the next 4k + 1 frames.'),
  })
  .describe('Length of the film: exactly one of frames and seconds.');

export const modelRefField = z
  .string()
  .min(1)
  .max(253)
  .describe('Name of the model. A command without a cluster looks it up among the models of its machine.');

/** The part of `spec` that says what to make. The resource adds to it what only a cluster has. */
export const generationShape = {
  prompt: promptField,
  negativePrompt: negativePromptField,
  seed: seedField,
  length: lengthField,
  size: sizeField.prefault({}),
  fps: fpsField,
  sampling: samplingField.prefault({}),
  parallelism: parallelismField.prefault({}),
  decoding: decodingField.prefault({}),
};

const generationSchema = z.object({
  ...generationShape,
  model: z.object({ ref: modelRefField }),
  output: z.object({ formats: formatsField }).prefault({}),
});

/** What a manifest's spec says about the film, with defaults filled in; a resource's spec holds it too. */
export type Generation = Readonly<z.output<typeof generationSchema>>;

/** Fields of the resource that a command without a cluster has no use for. Everything below one of them belongs to it. */
export const CLUSTER_ONLY = [
  'status',
  'spec.model.source',
  'spec.output.persistentVolumeClaim',
  'spec.retries',
  'spec.runner',
] as const;

/** A manifest as the commands use it. */
export interface Manifest {
  readonly name: string;
  readonly generation: Generation;
  /** Folder on this machine, where the model's source is a `hostPath`. */
  readonly modelFolder?: string;
  /** Fields and documents that the file carries and only a cluster uses, in the order of the file. */
  readonly clusterOnly: readonly string[];
  /** Fields that the resource does not have. The API server drops them or refuses the file; so somebody should be told. */
  readonly unknown: readonly UnknownField[];
}

/** Folders that a job spec needs beside what a manifest says; both as the runner's machine sees them. */
export interface JobFolders {
  readonly modelFolder: string;
  readonly outputFolder: string;
}

/** Coded errors of manifests; `E_MANIFEST_READ` is for those who open the file. */
export const manifestError = defineErrors({
  E_MANIFEST_READ: { message: 'cannot read {file}: {detail}', fixer: 'user', exit: 'spec' },
  E_MANIFEST_SIZE: {
    message: '{file} has {found} characters; at most {limit} are read: is it a manifest?',
    fixer: 'user',
    exit: 'spec',
  },
  E_MANIFEST_YAML: { message: '{file}:{line}:{column}: not readable as YAML: {detail}', fixer: 'user', exit: 'spec' },
  E_MANIFEST_KIND: {
    message: '{file} must hold one document of kind VideoGeneration, found {found}',
    fixer: 'user',
    exit: 'spec',
  },
  E_MANIFEST_VERSION: {
    message: '{file}: apiVersion must be {wanted}, found {found}',
    fixer: 'user',
    exit: 'spec',
  },
  E_MANIFEST_FIELDS: { message: '{file}: {problems}', fixer: 'user', exit: 'spec' },
});

type Tree = Readonly<Record<string, unknown>>;

/**
 * Reads the text of a manifest (YAML or JSON; other kinds of documents may stand beside the one `VideoGeneration`).
 * All problems of its fields come in one error. `file` only names the source in messages.
 */
export function readManifest(text: string, file: string): Manifest {
  const documents = parseDocuments(text, file);
  const films = documents.filter((tree) => tree.kind === MANIFEST_KIND);
  const [film] = films;
  if (film === undefined || films.length > 1) {
    throw manifestError('E_MANIFEST_KIND', { file, found: kindsText(documents) });
  }
  if (film.apiVersion !== MANIFEST_API_VERSION) {
    const found = film.apiVersion === undefined ? 'none' : printed(film.apiVersion);
    throw manifestError('E_MANIFEST_VERSION', { file, wanted: MANIFEST_API_VERSION, found });
  }
  const spec = treeAt(film, 'spec');
  const generation = parseGeneration(spec, file);
  const others = documents.filter((tree) => tree !== film).map((tree) => `document ${kindsText([tree])}`);
  const fields = unknownFields(
    film,
    { metadata: true, apiVersion: true, kind: true, spec: generationSchema },
    CLUSTER_ONLY,
  );
  return {
    name: nameOf(film),
    generation,
    ...modelFolderOf(spec),
    clusterOnly: [...fields.listed, ...others],
    unknown: fields.unknown,
  };
}

/** The job spec that a film's description and the machine's folders make; every default filled in. */
export function jobSpecOf(name: string, generation: Generation, folders: JobFolders): JobSpec {
  return jobSpecSchema.parse(candidate(name, generation, folders));
}

/** Problems of a description that types and ranges alone do not show, each with its path below `spec`. */
export function generationProblems(generation: Generation): readonly string[] {
  const { frames, seconds } = generation.length;
  if ((frames === undefined) === (seconds === undefined))
    return ['length: exactly one of frames and seconds must be given'];
  const all = framesOf(generation);
  if (all > MAX_FRAMES)
    return [`length.seconds: at ${generation.fps} fps makes ${all} frames, more than ${MAX_FRAMES}`];
  const spec = candidate('film', generation, { modelFolder: '/', outputFolder: '/' });
  const parsed = jobSpecSchema.safeParse(spec);
  return parsed.success ? [] : problemsOf(parsed.error, spec).map((text) => text.replace(/^frames\b/, 'length.frames'));
}

/** Issues of a zod error, one line each: path, what is wrong, what was found. */
export function problemsOf(error: z.ZodError, value: unknown): readonly string[] {
  return error.issues.map((issue) => {
    const found = issue.path.reduce<unknown>((at, key) => (at as Tree | undefined)?.[String(key)], value);
    const shown = found === undefined || typeof found === 'object' || issue.message.includes('found');
    const message = found === undefined && issue.code === 'invalid_type' ? 'is required' : issue.message;
    return `${issue.path.map(String).join('.')}: ${message}${shown ? '' : `, found ${printed(found)}`}`;
  });
}

function parseDocuments(text: string, file: string): readonly Tree[] {
  if (text.length > LIMIT_CHARACTERS) {
    throw manifestError('E_MANIFEST_SIZE', { file, found: text.length, limit: LIMIT_CHARACTERS });
  }
  const documents = parseAllDocuments(text, { prettyErrors: true });
  return ('empty' in documents ? [] : documents).flatMap((document) => {
    const [problem] = document.errors;
    if (problem !== undefined) throw yamlError(file, problem.message, problem.linePos?.[0]);
    const tree = toTree(document, file);
    return typeof tree === 'object' && tree !== null && !Array.isArray(tree) ? [tree as Tree] : [];
  });
}

function toTree(document: { toJS(): unknown }, file: string): unknown {
  try {
    return document.toJS();
  } catch (error) {
    throw yamlError(file, (error as Error).message);
  }
}

function yamlError(file: string, message: string, at?: { line: number; col: number }): CodedError {
  const detail = (message.split('\n')[0] ?? message).replace(/ at line \d+, column \d+:?$/, '');
  return manifestError('E_MANIFEST_YAML', { file, line: at?.line ?? 1, column: at?.col ?? 1, detail });
}

function parseGeneration(spec: Tree, file: string): Generation {
  const parsed = generationSchema.safeParse(spec);
  const problems = parsed.success ? generationProblems(parsed.data) : problemsOf(parsed.error, spec);
  if (!parsed.success || problems.length > 0) {
    throw manifestError('E_MANIFEST_FIELDS', { file, problems: problems.map((text) => `spec.${text}`).join('; ') });
  }
  return parsed.data;
}

function candidate(name: string, generation: Generation, folders: JobFolders) {
  const { length: _length, model, output, ...rest } = generation;
  const known = Object.fromEntries(Object.entries(rest).filter(([key]) => key in generationShape));
  return {
    ...(known as Omit<Generation, 'length' | 'model' | 'output'>),
    name,
    frames: framesOf(generation),
    model: { ref: model.ref, folder: folders.modelFolder },
    output: { folder: folders.outputFolder, formats: output.formats },
  };
}

function framesOf({ length, fps }: Generation): number {
  return length.frames ?? framesOfSeconds(length.seconds ?? 0, fps);
}

function nameOf(film: Tree): string {
  const { name, generateName } = treeAt(film, 'metadata');
  if (typeof name === 'string' && name !== '') return name;
  return typeof generateName === 'string' && generateName !== '' ? generateName.replace(/-+$/, '') : 'film';
}

function modelFolderOf(spec: Tree): { modelFolder?: string } {
  const { path } = treeAt(treeAt(treeAt(spec, 'model'), 'source'), 'hostPath');
  return typeof path === 'string' ? { modelFolder: path } : {};
}

function treeAt(tree: Tree, key: string): Tree {
  const value = tree[key];
  return typeof value === 'object' && value !== null ? (value as Tree) : {};
}

function kindsText(documents: readonly Tree[]): string {
  const kinds = documents.map((tree) => [tree.kind ?? 'no kind', treeAt(tree, 'metadata').name]);
  return kinds.length === 0
    ? 'none'
    : kinds.map((parts) => parts.filter((part) => part !== undefined).join(' ')).join(', ');
}

function printed(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
