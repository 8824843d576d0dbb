import {
  parseTextEncoderConfig,
  parseTransformerConfig,
  parseVaeConfig,
} from '../../runner/model/component-configs.ts';
import {
  type TensorShapes,
  textEncoderTensors,
  transformerTensors,
  vaeDecoderTensors,
} from '../../runner/model/tensor-names.ts';
import { elementCount } from '../../runner/tensor.ts';

/** A weights file: the JSON of its header, and the bytes of data after it. */
export interface WeightsFile {
  readonly header: Readonly<Record<string, unknown>>;
  readonly dataBytes: number;
}

/** The smallest whole model: files of a folder by path, and the true shape of every tensor of each component. */
export interface MicroModel {
  readonly json: Readonly<Record<string, unknown>>;
  readonly weights: Readonly<Record<string, WeightsFile>>;
  readonly shapes: Readonly<Record<'transformer' | 'transformer_2' | 'text_encoder' | 'vae', TensorShapes>>;
}

const CHANNELS = 4;
const TEXT_WIDTH = 8;

const transformer = {
  _class_name: 'WanTransformer3DModel',
  attention_head_dim: 6,
  cross_attn_norm: true,
  eps: 1e-6,
  ffn_dim: 16,
  freq_dim: 4,
  image_dim: null,
  added_kv_proj_dim: null,
  in_channels: CHANNELS,
  num_attention_heads: 2,
  num_layers: 2,
  out_channels: CHANNELS,
  patch_size: [1, 2, 2],
  qk_norm: 'rms_norm_across_heads',
  rope_max_seq_len: 1024,
  text_dim: TEXT_WIDTH,
};

const vae = {
  _class_name: 'AutoencoderKLWan',
  attn_scales: [],
  base_dim: 2,
  dim_mult: [1, 2, 2, 2],
  latents_mean: [0.1, -0.2, 0.3, 0],
  latents_std: [1, 2, 0.5, 3],
  num_res_blocks: 1,
  temperal_downsample: [false, true, true],
  z_dim: CHANNELS,
};

const text = {
  model_type: 'umt5',
  d_ff: 12,
  d_kv: 4,
  d_model: TEXT_WIDTH,
  feed_forward_proj: 'gated-gelu',
  layer_norm_epsilon: 1e-6,
  num_heads: 3,
  num_layers: 1,
  relative_attention_max_distance: 128,
  relative_attention_num_buckets: 32,
  vocab_size: 20,
};

const scheduler = {
  _class_name: 'UniPCMultistepScheduler',
  flow_shift: 3,
  num_train_timesteps: 1000,
  prediction_type: 'flow_prediction',
  solver_order: 2,
  solver_type: 'bh2',
  use_flow_sigmas: true,
};

const index = {
  _class_name: 'WanPipeline',
  boundary_ratio: 0.875,
  scheduler: ['diffusers', 'UniPCMultistepScheduler'],
  text_encoder: ['transformers', 'UMT5EncoderModel'],
  tokenizer: ['transformers', 'T5TokenizerFast'],
  transformer: ['diffusers', 'WanTransformer3DModel'],
  transformer_2: ['diffusers', 'WanTransformer3DModel'],
  vae: ['diffusers', 'AutoencoderKLWan'],
};

const pieces = ['<pad>', '</s>', '<unk>', '▁', ...'abcdefghijklmno'];

const tokenizer = {
  added_tokens: [{ id: 0, content: '<pad>', special: true, normalized: false }],
  normalizer: {
    type: 'Sequence',
    normalizers: [{ type: 'NFKC' }, { type: 'Replace', pattern: { String: '\t' }, content: ' ' }],
  },
  pre_tokenizer: { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always' },
  post_processor: {
    type: 'TemplateProcessing',
    single: [{ Sequence: { id: 'A' } }, { SpecialToken: { id: '</s>' } }],
    special_tokens: { '</s>': { ids: [1] } },
  },
  model: { type: 'Unigram', unk_id: 2, vocab: pieces.map((piece, at) => [piece, -at]) },
};

const SHARDED = ['transformer/a-1.safetensors', 'transformer/a-2.safetensors'] as const;

/** Two experts, the first one in two shards with an index; some tensors in half floats, as some checkpoints have them. */
export function microModel(): MicroModel {
  const expert = transformerTensors(parseTransformerConfig(transformer));
  const shapes = {
    transformer: expert,
    transformer_2: expert,
    text_encoder: textEncoderTensors(parseTextEncoderConfig(text)),
    vae: vaeDecoderTensors(parseVaeConfig(vae)),
  };
  const all = [...expert];
  const half = Math.floor(all.length / 2);
  const place = all.map(([name], at) => [name, SHARDED[at < half ? 0 : 1].slice('transformer/'.length)]);
  return {
    shapes,
    json: {
      'model_index.json': index,
      'transformer/config.json': transformer,
      'transformer_2/config.json': transformer,
      'vae/config.json': vae,
      'text_encoder/config.json': text,
      'scheduler/scheduler_config.json': scheduler,
      'transformer/diffusion_pytorch_model.safetensors.index.json': {
        metadata: { total_size: 1 },
        weight_map: Object.fromEntries(place),
      },
      'tokenizer/tokenizer.json': tokenizer,
      'tokenizer/tokenizer_config.json': { pad_token: '<pad>', padding_side: 'right' },
    },
    weights: {
      [SHARDED[0]]: weightsFile(all.slice(0, half)),
      [SHARDED[1]]: weightsFile(all.slice(half)),
      'transformer_2/diffusion_pytorch_model.safetensors': weightsFile(all, 'BF16'),
      'text_encoder/model.safetensors': weightsFile([...shapes.text_encoder], 'F16'),
      'vae/diffusion_pytorch_model.safetensors': weightsFile([...shapes.vae]),
    },
  };
}

function weightsFile(
  tensors: readonly (readonly [string, readonly number[]])[],
  dtype: 'F32' | 'F16' | 'BF16' = 'F32',
): WeightsFile {
  let end = 0;
  const entries = tensors.map(([name, shape]) => {
    const begin = end;
    end += elementCount(shape) * (dtype === 'F32' ? 4 : 2);
    return [name, { dtype, shape, data_offsets: [begin, end] }];
  });
  return { header: { __metadata__: { format: 'pt' }, ...Object.fromEntries(entries) }, dataBytes: end };
}
