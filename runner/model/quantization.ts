import { modelError } from './errors.ts';
import { shortJson } from './short-json.ts';

/** Ways in which quantised models are marked in a config, of Diffusers, of transformers and of other tools. */
const MARKS = ['quantization_config', 'quantization', 'quant_method', 'compression_config'];

/** Refuses a component's config that says that its weights are quantised. Throws `E_MODEL_QUANTIZED`. */
export function refuseQuantized(json: unknown, file: string): void {
  if (typeof json !== 'object' || json === null) return;
  const [mark, value] = Object.entries(json).find(([name, said]) => MARKS.includes(name) && said !== null) ?? [];
  if (mark === undefined) return;
  const method = (value as { quant_method?: unknown } | undefined)?.quant_method;
  throw modelError('E_MODEL_QUANTIZED', { file, mark, method: shortJson(method ?? value) });
}
