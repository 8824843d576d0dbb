import { join } from 'node:path';
import { COMPONENTS, MODEL_INDEX, type ModelConfig, type TransformerConfig } from '../model/config.ts';
import { parseModelConfig, parseModelIndex } from '../model/parse-config.ts';
import { checkTensors, withoutAliases } from './checks.ts';
import { checksumErrors } from './checksums.ts';
import { type Component, textEncoderComponent, transformerComponent, vaeComponent } from './components.ts';
import { readJsonFile } from './model-file.ts';
import { readModelIndex, realFolder } from './model-folder.ts';
import { type ComponentWeights, openWeights } from './shards.ts';

/** A checked model: what it is and where its tensors lie. Nothing of the weights has been read. */
export interface Model {
  /** Real path. */
  readonly folder: string;
  readonly config: ModelConfig;
  readonly transformer: ComponentWeights;
  readonly transformer2: ComponentWeights | null;
  readonly vae: ComponentWeights;
  readonly text: ComponentWeights;
  readonly tokenizerFolder: string;
}

export interface OpenOptions {
  /** Also read every file and compare it with the sums in the folder's `sha256sums`; takes as long as reading the model does. */
  readonly verify?: boolean;
}

/**
 * Opens a model folder in the Diffusers layout and checks it whole, before anything runs: the model is one that we
 * compute, every file is there and intact, every tensor has its place, type and shape. The tokenizer is the text room's to read.
 * Throws `E_MODEL_…` and `E_WEIGHTS_…` errors.
 */
export function openModel(folder: string, { verify = false }: OpenOptions = {}): Model {
  const root = realFolder(folder);
  const config = readModelConfig(root);
  if (verify) for (const error of checksumErrors(root, config.transformer2 !== null)) throw error;
  return {
    folder: root,
    config,
    transformer: openTransformer(root, 'transformer', config.transformer),
    transformer2: config.transformer2 && openTransformer(root, 'transformer_2', config.transformer2),
    vae: openComponent(root, vaeComponent(config.vae)),
    text: openComponent(root, textEncoderComponent(config.text)),
    tokenizerFolder: join(root, 'tokenizer'),
  };
}

/** Reads and checks the configs of a model folder, without looking at its weights. */
export function readModelConfig(folder: string): ModelConfig {
  const index = readModelIndex(folder);
  const { twoExperts } = parseModelIndex(index);
  const wanted = Object.values(COMPONENTS).filter((file) => twoExperts || file !== COMPONENTS.transformer2);
  const files = wanted.map((file) => [file, readJsonFile(join(folder, file), file)]);
  return parseModelConfig({ ...Object.fromEntries(files), [MODEL_INDEX]: index });
}

/** Opens and checks the weights of one transformer of a model folder. */
export function openTransformer(
  folder: string,
  component: 'transformer' | 'transformer_2',
  config: TransformerConfig,
): ComponentWeights {
  return openComponent(folder, transformerComponent(config, component));
}

function openComponent(modelFolder: string, component: Component): ComponentWeights {
  const weights = openWeights(modelFolder, component.folder, component.base);
  const tensors = withoutAliases(weights.tensors, component);
  checkTensors(tensors, component);
  return { ...weights, tensors };
}
