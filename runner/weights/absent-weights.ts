import { notYet } from '#contract/error.ts';
import { weightsError } from './errors.ts';
import { UNFINISHED } from './foreign-content.ts';

/** Kinds of weights that people have instead of the safetensors of the Diffusers layout, by their endings. */
const OTHER_FORMATS: readonly (readonly [ending: RegExp, format: string])[] = [
  [/\.gguf$/i, 'GGUF files'],
  [/\.(bin|pt|pth|ckpt|pkl)$/i, 'PyTorch files'],
  [/\.msgpack$/i, 'Flax files'],
  [/\.(h5|tf|tflite)$/i, 'TensorFlow files'],
  [/\.onnx(_data)?$/i, 'ONNX files'],
];
const SAFETENSORS = '.safetensors';

/** What to say of a component without weights under their names, by the names that do lie in its folder. */
export function absentWeights(component: string, base: string, present: readonly string[]): Error {
  const wanted = `${base}${SAFETENSORS}`;
  const file = `${component}/${wanted}`;
  const unfinished = present.find((name) => UNFINISHED.test(name));
  if (unfinished !== undefined) return incomplete(file, `is missing, but there is an unfinished ${unfinished}`);
  const named = (found: string, wayOut: string) => weightsError('E_WEIGHTS_NAMED', { file, found, wayOut });
  const tensors = present.filter((name) => name.endsWith(SAFETENSORS));
  const variant = tensors.find((name) => /\.(fp16|bf16|fp32|non_ema|ema)[.-]/.test(name));
  if (tensors.length === 1 && !/-\d+-of-\d+/.test(tensors[0]!)) {
    return named(tensors[0]!, `if that is the whole ${component}, rename it to ${wanted}`);
  }
  if (variant !== undefined) return named(`only a variant (${variant}, …)`, 'download the files without a variant');
  if (tensors.length > 0)
    return notYet(named(`${tensors[0]}, …`, `download ${wanted}.index.json, which says what lies in which`));
  for (const [ending, format] of OTHER_FORMATS) {
    const name = present.find((other) => ending.test(other));
    if (name === undefined) continue;
    return named(`${name}, and ${format} are not supported`, 'take the safetensors files of the model');
  }
  return weightsError('E_MODEL_MISSING', { file });
}

/** Weights that a download program is not done with: it keeps a file of its own beside each, which may have its full length already. */
export function unfinishedWeights(
  component: string,
  names: readonly string[],
  present: readonly string[],
): Error | undefined {
  const name = names.find((one) => present.includes(`${one}.aria2`));
  if (name === undefined) return undefined;
  return incomplete(`${component}/${name}`, `there is an unfinished ${name}.aria2 beside it`);
}

function incomplete(file: string, problem: string): Error {
  return weightsError('E_MODEL_INCOMPLETE', { file, problem });
}
