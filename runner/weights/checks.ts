import { EMBEDDING, EMBEDDING_ALIAS, type TensorShapes } from '../model/tensor-names.ts';
import type { TensorEntry } from '../tensor.ts';
import { weightsError } from './errors.ts';
import type { ComponentWeights } from './shards.ts';

const SHOWN = 3;
const FLOATS = ['F32', 'F16', 'BF16'];

/**
 * Compares stored tensors with what a config asks for: names, shapes, element types. Tensors for which `ignored` says yes
 * may be there besides (the autoencoder's encoder half). Throws `E_WEIGHTS_MISSING`, `E_WEIGHTS_SURPLUS`, `E_WEIGHTS_SHAPE`.
 */
export function checkTensors(
  weights: ComponentWeights,
  label: string,
  wanted: TensorShapes,
  ignored: (name: string) => boolean = () => false,
): void {
  const missing = [...wanted.keys()].filter((name) => !weights.tensors.has(name));
  if (missing.length > 0) throw listing('E_WEIGHTS_MISSING', label, missing);
  const surplus = [...weights.tensors.keys()].filter((name) => !wanted.has(name) && !ignored(name));
  if (surplus.length > 0) throw listing('E_WEIGHTS_SURPLUS', label, surplus);
  for (const [tensor, shape] of wanted) {
    const entry = weights.tensors.get(tensor) as TensorEntry;
    if (FLOATS.includes(entry.dtype) && String(entry.shape) === String(shape)) continue;
    const found = `${entry.dtype} [${entry.shape}]`;
    throw weightsError('E_WEIGHTS_SHAPE', { folder: label, tensor, found, wanted: `${FLOATS.join('|')} [${shape}]` });
  }
}

/** The text encoder's embedding may be stored under either of two names, or both; it is found under one. */
export function withEmbedding(weights: ComponentWeights): ComponentWeights {
  const alias = weights.tensors.get(EMBEDDING_ALIAS);
  if (alias === undefined) return weights;
  const tensors = new Map(weights.tensors);
  tensors.delete(EMBEDDING_ALIAS);
  if (!tensors.has(EMBEDDING)) tensors.set(EMBEDDING, alias);
  return { ...weights, tensors };
}

function listing(code: 'E_WEIGHTS_MISSING' | 'E_WEIGHTS_SURPLUS', folder: string, names: readonly string[]): Error {
  const shown = names.slice(0, SHOWN).join(', ');
  const tensors = names.length > SHOWN ? `${shown}, …` : shown;
  return weightsError(code, { folder, count: names.length, tensors });
}
