import { shortText } from '../model/short-json.ts';
import type { TensorEntry } from '../tensor.ts';
import type { Component } from './components.ts';
import { weightsError } from './errors.ts';
import { DIFFUSERS_WANTED } from './folder-layout.ts';

const SHOWN = 3;
const FLOATS = ['F32', 'F16', 'BF16'];

/** Differences between stored tensors and those that a config asks for, all of them by name. */
export interface TensorDifferences {
  readonly missing: readonly string[];
  readonly surplus: readonly string[];
  readonly misshapen: readonly { readonly tensor: string; readonly found: string; readonly wanted: string }[];
}

/** Compares stored tensors with what a component's config asks for: names, shapes, element types. */
export function compareTensors(stored: ReadonlyMap<string, TensorEntry>, component: Component): TensorDifferences {
  const wanted = component.tensors;
  const fits = ({ dtype, shape }: TensorEntry, as: readonly number[]) =>
    FLOATS.includes(dtype) && String(shape) === String(as);
  return {
    missing: [...wanted.keys()].filter((name) => !stored.has(name)),
    surplus: [...stored.keys()].filter((name) => !wanted.has(name) && !component.ignored(name)),
    misshapen: [...wanted].flatMap(([tensor, shape]) => {
      const entry = stored.get(tensor);
      if (entry === undefined || fits(entry, shape)) return [];
      return [{ tensor, found: `${entry.dtype} [${entry.shape}]`, wanted: `${FLOATS.join('|')} [${shape}]` }];
    }),
  };
}

/** Tensors that go with weights of few bits: scales, tables, packed integers. */
const QUANTIZED =
  /(\.(absmax|nested_absmax|quant_map|nested_quant_map|SCB|weight_format|qweight|qzeros|scales|g_idx|weight_scale(_inv|_2)?|input_scale|scale_weight|scale_input|comfy_quant)|quant_state\.\w+|(^|\.)scaled_fp8)$/;
/** Names that Wan's own files and those for ComfyUI have, and that the Diffusers layout does not. */
const OTHER_LAYOUT =
  /^(model\.diffusion_model\.|diffusion_model\.|first_stage_model\.|blocks\.\d+\.(self_attn|cross_attn)\.|(text_embedding|time_embedding)\.\d|token_embedding\.weight$|blocks\.\d+\.attn\.q\.weight$|decoder\.(middle|upsamples|conv1|head)\.)/;

/**
 * The differences as errors, `folder` naming the component: `E_WEIGHTS_QUANTIZED` or `E_MODEL_LAYOUT` alone, where the names say
 * that these are weights of another kind; else `E_WEIGHTS_MISSING`, `E_WEIGHTS_SURPLUS`, `E_WEIGHTS_SHAPE`.
 */
export function differenceErrors(folder: string, { missing, surplus, misshapen }: TensorDifferences): readonly Error[] {
  const packed =
    surplus.find((name) => QUANTIZED.test(name)) ?? misshapen.find(({ found }) => /^[IU]8 /.test(found))?.tensor;
  if (packed !== undefined) {
    const what = `the quantised form of these weights (tensor ${shortText(packed)})`;
    return [weightsError('E_WEIGHTS_QUANTIZED', { file: folder, what })];
  }
  const foreign = missing.length > 0 ? surplus.find((name) => OTHER_LAYOUT.test(name)) : undefined;
  if (foreign !== undefined) {
    const found = `its tensors have the names of Wan's own files or of those for ComfyUI (${shortText(foreign)})`;
    return [weightsError('E_MODEL_LAYOUT', { place: folder, found, wayOut: DIFFUSERS_WANTED })];
  }
  return [
    ...(missing.length > 0 ? [listing('E_WEIGHTS_MISSING', folder, missing)] : []),
    ...(surplus.length > 0 ? [listing('E_WEIGHTS_SURPLUS', folder, surplus)] : []),
    ...misshapen.slice(0, 1).map((difference) => weightsError('E_WEIGHTS_SHAPE', { folder, ...difference })),
  ];
}

/** Refuses stored tensors that differ from what the config asks for. Throws the first of {@link differenceErrors}. */
export function checkTensors(stored: ReadonlyMap<string, TensorEntry>, component: Component): void {
  const [first] = differenceErrors(component.folder, compareTensors(stored, component));
  if (first !== undefined) throw first;
}

/** Stored tensors by the names that the component knows them by; one stored under both names is found once. */
export function withoutAliases<T>(stored: ReadonlyMap<string, T>, { aliases }: Component): ReadonlyMap<string, T> {
  const named = new Map(stored);
  for (const [alias, name] of aliases) {
    const entry = named.get(alias);
    if (entry === undefined) continue;
    named.delete(alias);
    if (!named.has(name)) named.set(name, entry);
  }
  return named;
}

function listing(code: 'E_WEIGHTS_MISSING' | 'E_WEIGHTS_SURPLUS', folder: string, names: readonly string[]): Error {
  const shown = names.slice(0, SHOWN).map(shortText).join(', ');
  const tensors = names.length > SHOWN ? `${shown}, …` : shown;
  return weightsError(code, { folder, count: names.length, tensors });
}
