import { z } from 'zod';
import { COMPONENTS, type TextEncoderConfig, type TransformerConfig, type VaeConfig } from './config.ts';
import { parseFields } from './config-fields.ts';
import { modelError } from './errors.ts';
import { refuseQuantized } from './quantization.ts';

const count = (max: number) => z.int().min(1).max(max);
const absent = z.null().optional();
const epsilon = z.number().positive().max(1);

/** Settings of other transformers that are built on Wan's, or of its authors' own program: each would change the numbers. */
const UNKNOWN_TO_TRANSFORMER = {
  window_size: z.tuple([z.literal(-1), z.literal(-1)]).nullish(),
  vace_layers: absent,
  vace_in_channels: absent,
  inject_sample_info: z.literal(false).nullish(),
  num_frame_per_block: absent,
  local_attn_size: z.literal(-1).nullish(),
  sink_size: z.literal(0).nullish(),
  rope_theta: z.literal(10_000).nullish(),
};

const transformerSchema = z.object({
  _class_name: z.literal('WanTransformer3DModel'),
  num_layers: count(1000),
  num_attention_heads: count(1024),
  attention_head_dim: z.int().min(6).max(4096).multipleOf(2),
  ffn_dim: count(1_000_000),
  in_channels: count(1024),
  out_channels: count(1024),
  text_dim: count(1_000_000),
  freq_dim: z.int().min(2).max(65_536).multipleOf(2),
  eps: epsilon,
  patch_size: z.tuple([z.literal(1), z.literal(2), z.literal(2)]),
  cross_attn_norm: z.literal(true),
  qk_norm: z.literal('rms_norm_across_heads'),
  image_dim: absent,
  added_kv_proj_dim: absent,
  pos_embed_seq_len: absent,
  rope_max_seq_len: count(1_000_000).default(1024),
  ...UNKNOWN_TO_TRANSFORMER,
});

/** Reads a transformer's `config.json`. Throws `E_MODEL_UNSUPPORTED`, `E_MODEL_CONFIG`. */
export function parseTransformerConfig(json: unknown, file: string = COMPONENTS.transformer): TransformerConfig {
  refuseQuantized(json, file);
  refuseImageToVideo(json, file);
  const c = parseFields(transformerSchema, json, file);
  if (c.in_channels !== c.out_channels) {
    const why = `it takes ${c.in_channels} channels and gives ${c.out_channels}: not a text-to-video model`;
    throw modelError('E_MODEL_UNSUPPORTED', { file, found: `in_channels ${c.in_channels}`, why });
  }
  return {
    layers: c.num_layers,
    heads: c.num_attention_heads,
    headWidth: c.attention_head_dim,
    width: c.num_attention_heads * c.attention_head_dim,
    feedForwardWidth: c.ffn_dim,
    latentChannels: c.in_channels,
    textWidth: c.text_dim,
    timeWidth: c.freq_dim,
    epsilon: c.eps,
    maxPositions: c.rope_max_seq_len,
  };
}

function refuseImageToVideo(json: unknown, file: string): void {
  const fields = z.looseObject({ image_dim: z.unknown(), added_kv_proj_dim: z.unknown() }).partial().safeParse(json);
  const present = Object.entries(fields.data ?? {}).filter(([key]) => /^(image_dim|added_kv_proj_dim)$/.test(key));
  const found = present.find(([, value]) => value != null)?.[0];
  if (found === undefined) return;
  throw modelError('E_MODEL_UNSUPPORTED', { file, found, why: 'image-to-video needs an image encoder' });
}

/** A number that the decoder can compute with. */
const inFloat32 = z
  .number()
  .refine((value) => Number.isFinite(Math.fround(value)), 'must be a finite number in float32');

const vaeSchema = z.object({
  _class_name: z.literal('AutoencoderKLWan'),
  base_dim: count(4096),
  decoder_base_dim: count(4096).nullish(),
  z_dim: count(1024),
  dim_mult: z.array(count(64)).length(4),
  num_res_blocks: count(64),
  attn_scales: z.array(z.number()).length(0),
  temperal_downsample: z.tuple([z.literal(false), z.literal(true), z.literal(true)]),
  is_residual: z.literal(false).nullish(),
  patch_size: absent,
  latents_mean: z.array(inFloat32),
  latents_std: z.array(inFloat32.refine((value) => Math.fround(value) > 0, 'must be above 0 in float32')),
  in_channels: z.literal(3).nullish(),
  out_channels: z.literal(3).nullish(),
  scaling_factor: z.literal(1).nullish(),
  shift_factor: z.literal(0).nullish(),
  scale_factor_temporal: z.literal(4).nullish(),
  scale_factor_spatial: z.literal(8).nullish(),
});

/** Reads the video autoencoder's `config.json`. Throws `E_MODEL_UNSUPPORTED`, `E_MODEL_CONFIG`. */
export function parseVaeConfig(json: unknown, file: string = COMPONENTS.vae): VaeConfig {
  refuseQuantized(json, file);
  const c = parseFields(vaeSchema, json, file);
  for (const field of ['latents_mean', 'latents_std'] as const) {
    if (c[field].length !== c.z_dim) {
      throw modelError('E_MODEL_CONFIG', {
        file,
        field,
        problem: `has ${c[field].length} numbers, z_dim is ${c.z_dim}`,
      });
    }
  }
  const baseWidth = c.decoder_base_dim ?? c.base_dim;
  const halved = c.dim_mult.slice(1).map((multiplier) => multiplier * baseWidth);
  if (halved.some((width) => width % 2 !== 0)) {
    throw modelError('E_MODEL_CONFIG', {
      file,
      field: 'base_dim',
      problem: `${baseWidth} gives widths that cannot be halved`,
    });
  }
  return {
    baseWidth,
    latentChannels: c.z_dim,
    multipliers: c.dim_mult,
    residualBlocks: c.num_res_blocks,
    temporal: c.temperal_downsample,
    mean: c.latents_mean,
    std: c.latents_std,
  };
}

const textSchema = z.object({
  model_type: z.literal('umt5'),
  num_layers: count(1000),
  num_heads: count(1024),
  d_kv: count(4096),
  d_model: count(1_000_000),
  d_ff: count(1_000_000),
  vocab_size: count(10_000_000),
  feed_forward_proj: z.literal('gated-gelu'),
  dense_act_fn: z.literal('gelu_new').nullish(),
  is_gated_act: z.literal(true).nullish(),
  relative_attention_num_buckets: z.int().min(4).max(4096).multipleOf(2),
  relative_attention_max_distance: z.int().min(2).max(1_000_000),
  layer_norm_epsilon: epsilon,
});

/** Reads the text encoder's `config.json`. Throws `E_MODEL_UNSUPPORTED`, `E_MODEL_CONFIG`. */
export function parseTextEncoderConfig(json: unknown, file: string = COMPONENTS.text): TextEncoderConfig {
  refuseQuantized(json, file);
  const c = parseFields(textSchema, json, file);
  if (c.relative_attention_max_distance <= c.relative_attention_num_buckets / 4) {
    const problem = `is ${c.relative_attention_max_distance}, too small for ${c.relative_attention_num_buckets} buckets`;
    throw modelError('E_MODEL_CONFIG', { file, field: 'relative_attention_max_distance', problem });
  }
  return {
    layers: c.num_layers,
    heads: c.num_heads,
    headWidth: c.d_kv,
    width: c.d_model,
    feedForwardWidth: c.d_ff,
    vocabulary: c.vocab_size,
    buckets: c.relative_attention_num_buckets,
    maxDistance: c.relative_attention_max_distance,
    epsilon: c.layer_norm_epsilon,
  };
}
