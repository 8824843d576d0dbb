/** The words that the programs of this folder are started with: what they ask for, or the error that says what is wrong with them. */
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { type ImageName, imageNames } from './contents.ts';
import { imageError } from './errors.ts';

const BUILD_USAGE =
  'usage: node image/build.ts operator|runner|runner-cuda [--name NAME] [--output FILE] [--fresh] [--wheels FOLDER] [--json]';
const LAYER_USAGE = 'usage: node image/cuda-layer.ts FOLDER [--wheels FOLDER] [--system FOLDER]';
const PRUNE_USAGE = `usage: node image/prune-packages.ts FOLDER ${imageNames.join('|')}`;
const MODEL_USAGE = 'usage: node image/model-image.ts FOLDER --name NAME --output FILE';

/** A name as containers' tools read it, with a tag: without one, none of what is called `…:latest` is meant. */
const REFERENCE =
  /^(?:[a-z\d](?:[a-z\d.-]*[a-z\d])?(?::\d+)?\/)?[a-z\d]+(?:(?:[._]|__|-+)[a-z\d]+)*(?:\/[a-z\d]+(?:(?:[._]|__|-+)[a-z\d]+)*)*:\w[\w.-]{0,127}$/;

/** What `build.ts` is asked for. */
export interface BuildWords {
  readonly image: ImageName;
  readonly name?: string;
  readonly output?: string;
  readonly fresh: boolean;
  readonly wheels?: string;
  readonly json: boolean;
}

/** Throws `E_IMAGE_USAGE`. */
export function buildWords(args: readonly string[]): BuildWords {
  const { values, positionals } = parsed(BUILD_USAGE, {
    args: [...args],
    allowPositionals: true,
    options: {
      name: { type: 'string' },
      output: { type: 'string', short: 'o' },
      fresh: { type: 'boolean', default: false },
      wheels: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  });
  const [word, ...more] = positionals;
  const image = imageNameOf(word);
  refuseMore(BUILD_USAGE, more);
  refuseEmpty(BUILD_USAGE, values);
  if (values.wheels !== undefined && image !== 'runner-cuda') {
    throw usage(`--wheels is for runner-cuda, ${image} holds none`, BUILD_USAGE);
  }
  if (values.name !== undefined) checkName(values.name, BUILD_USAGE);
  return { ...values, image };
}

/** What `model-image.ts` is asked for. */
export interface ModelWords {
  readonly folder: string;
  readonly name: string;
  readonly output: string;
}

/** Throws `E_IMAGE_USAGE`. */
export function modelWords(args: readonly string[]): ModelWords {
  const { values, positionals } = parsed(MODEL_USAGE, {
    args: [...args],
    allowPositionals: true,
    options: { name: { type: 'string' }, output: { type: 'string', short: 'o' } },
  });
  const [folder, ...more] = positionals;
  const { name, output } = values;
  refuseMore(MODEL_USAGE, more);
  refuseEmpty(MODEL_USAGE, { folder, name, output });
  if (folder === undefined || name === undefined || output === undefined)
    throw imageError('E_IMAGE_USAGE', { detail: MODEL_USAGE });
  checkName(name, MODEL_USAGE);
  return { folder, name, output };
}

/** What `cuda-layer.ts` is asked for. */
export interface LayerWords {
  readonly root: string;
  readonly wheels?: string;
  readonly system: string;
}

/** Throws `E_IMAGE_USAGE`. */
export function layerWords(args: readonly string[]): LayerWords {
  const { values, positionals } = parsed(LAYER_USAGE, {
    args: [...args],
    allowPositionals: true,
    options: { wheels: { type: 'string' }, system: { type: 'string', default: '/' } },
  });
  const [root, ...more] = positionals;
  refuseMore(LAYER_USAGE, more);
  refuseEmpty(LAYER_USAGE, { root, ...values });
  if (root === undefined) throw imageError('E_IMAGE_USAGE', { detail: LAYER_USAGE });
  return { ...values, root };
}

/** What `prune-packages.ts` is asked for. */
export interface PruneWords {
  readonly folder: string;
  readonly image: ImageName;
}

/** Throws `E_IMAGE_USAGE`. */
export function pruneWords(args: readonly string[]): PruneWords {
  const { positionals } = parsed(PRUNE_USAGE, { args: [...args], allowPositionals: true });
  const [folder, image, ...more] = positionals;
  refuseMore(PRUNE_USAGE, more);
  refuseEmpty(PRUNE_USAGE, { folder });
  if (folder === undefined) throw imageError('E_IMAGE_USAGE', { detail: PRUNE_USAGE });
  return { folder, image: imageNameOf(image) };
}

/** A word as the name of an image. Throws `E_IMAGE_USAGE`. */
function imageNameOf(word: string | undefined): ImageName {
  const name = imageNames.find((known) => known === word);
  if (name !== undefined) return name;
  throw imageError('E_IMAGE_USAGE', {
    detail: `the image must be one of ${imageNames.join(', ')}, found ${word ?? 'none'}`,
  });
}

function usage(detail: string, how: string) {
  return imageError('E_IMAGE_USAGE', { detail: `${detail}; ${how}` });
}

function parsed<const T extends ParseArgsConfig>(how: string, config: T) {
  try {
    return parseArgs(config);
  } catch (error) {
    throw usage(error instanceof Error ? error.message : String(error), how);
  }
}

function refuseMore(how: string, words: readonly string[]): void {
  if (words.length > 0) throw usage(`too many words: ${words.join(' ')}`, how);
}

function refuseEmpty(how: string, values: Readonly<Record<string, unknown>>): void {
  const empty = Object.keys(values).find((name) => values[name] === '');
  if (empty !== undefined) throw usage(`${empty} is empty`, how);
}

function checkName(name: string, how: string): void {
  if (!REFERENCE.test(name)) throw usage(`'${name}' is no image's name with its tag, such as localhost/film:1`, how);
}
