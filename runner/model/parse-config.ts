import { z } from 'zod';
import { parseTextEncoderConfig, parseTransformerConfig, parseVaeConfig } from './component-configs.ts';
import { COMPONENTS, MODEL_INDEX, type ModelConfig, type TransformerConfig } from './config.ts';
import { parseFields } from './config-fields.ts';
import { modelError } from './errors.ts';
import { parseSchedulerConfig } from './scheduler-config.ts';
import { shortJson, shortText } from './short-json.ts';

/** A component as the index names it: library and class. */
const part = z.array(z.string().nullable()).nullish();
/** Class of each component in Diffusers and Transformers, by its folder. */
export const COMPONENT_CLASSES = {
  transformer: 'WanTransformer3DModel',
  transformer_2: 'WanTransformer3DModel',
  text_encoder: 'UMT5EncoderModel',
  vae: 'AutoencoderKLWan',
} as const;

const indexSchema = z.object({
  _class_name: z.string(),
  boundary_ratio: z.number().min(0).max(1).nullish(),
  expand_timesteps: z.boolean().nullish(),
  transformer: part,
  transformer_2: part,
  text_encoder: part,
  vae: part,
  scheduler: part,
});

/** What `model_index.json` says before any component is read: which of them there are. */
export interface ModelIndex {
  readonly twoExperts: boolean;
  readonly boundaryRatio: number | null;
  /** Class of the sampler; it outranks the one named in the sampler's own config, as in Diffusers. */
  readonly schedulerClass: string | null;
}

/** Reads `model_index.json`. Throws `E_MODEL_UNSUPPORTED`, `E_MODEL_CONFIG`. */
export function parseModelIndex(json: unknown, file: string = MODEL_INDEX): ModelIndex {
  const index = parseFields(indexSchema, json, file);
  if (index._class_name !== 'WanPipeline') {
    const why = /^Wan.*(ImageToVideo|I2V)/.test(index._class_name)
      ? 'image-to-video needs an image encoder'
      : "only WanPipeline is, Wan's text-to-video pipeline";
    throw modelError('E_MODEL_UNSUPPORTED', { file, found: shortText(index._class_name), why });
  }
  if (index.expand_timesteps === true) {
    const why = 'Wan2.2-TI2V-5B takes a timestep per token and another video autoencoder';
    throw modelError('E_MODEL_UNSUPPORTED', { file, found: 'expand_timesteps', why });
  }
  for (const [component, wanted] of Object.entries(COMPONENT_CLASSES)) {
    const found = index[component as keyof typeof COMPONENT_CLASSES]?.[1];
    if (found == null || found === wanted) continue;
    throw modelError('E_MODEL_UNSUPPORTED', {
      file,
      found: `${component} ${shortJson(found)}`,
      why: `must be ${wanted}`,
    });
  }
  const twoExperts = index.transformer_2?.[1] != null;
  const boundaryRatio = index.boundary_ratio ?? null;
  if (twoExperts !== (boundaryRatio !== null)) {
    const problem = twoExperts ? 'is missing, but there is a transformer_2' : 'is given, but there is no transformer_2';
    throw modelError('E_MODEL_CONFIG', { file, field: 'boundary_ratio', problem });
  }
  return { twoExperts, boundaryRatio, schedulerClass: index.scheduler?.[1] ?? null };
}

/** Parsed JSON of a model's files, by their path in the model folder. */
export type ConfigFiles = Readonly<Record<string, unknown>>;

/** Reads all configs of a model and checks that they fit together. Throws `E_MODEL_UNSUPPORTED`, `E_MODEL_CONFIG`. */
export function parseModelConfig(files: ConfigFiles): ModelConfig {
  const index = parseModelIndex(files[MODEL_INDEX]);
  const transformer = parseTransformerConfig(files[COMPONENTS.transformer]);
  const transformer2 = index.twoExperts
    ? parseTransformerConfig(files[COMPONENTS.transformer2], COMPONENTS.transformer2)
    : null;
  if (transformer2 !== null) checkSameShape(transformer, transformer2);
  const vae = parseVaeConfig(files[COMPONENTS.vae]);
  const text = parseTextEncoderConfig(files[COMPONENTS.text]);
  checkFit(COMPONENTS.vae, 'z_dim', vae.latentChannels, 'in_channels', transformer.latentChannels);
  checkFit(COMPONENTS.text, 'd_model', text.width, 'text_dim', transformer.textWidth);
  const scheduler = parseSchedulerConfig(files[COMPONENTS.scheduler], index.schedulerClass);
  return { transformer, transformer2, boundaryRatio: index.boundaryRatio, vae, text, scheduler };
}

function checkSameShape(first: TransformerConfig, second: TransformerConfig): void {
  for (const field of Object.keys(first) as (keyof TransformerConfig)[]) {
    checkFit(COMPONENTS.transformer2, field, second[field], field, first[field]);
  }
}

function checkFit(file: string, field: string, found: number, otherField: string, wanted: number): void {
  if (found === wanted) return;
  const problem = `is ${found}, but ${COMPONENTS.transformer} has ${otherField} ${wanted}`;
  throw modelError('E_MODEL_CONFIG', { file, field, problem });
}
