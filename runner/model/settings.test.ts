import { expect, test } from 'vitest';
import { CONFIGS } from '../../test/full-size/published-configs.ts';
import { COMPONENTS, MODEL_INDEX } from './config.ts';
import { parseModelConfig } from './parse-config.ts';

/** The configs of Wan2.1-T2V-1.3B with some fields of one file changed. */
function changed(file: string, change: object): Record<string, unknown> {
  const files: Record<string, object> = { ...CONFIGS['Wan2.1-T2V-1.3B'] };
  return { ...files, [file]: { ...files[file], ...change } };
}

test.each(Object.keys(CONFIGS))('the configs of %s are taken as they were published', (name) => {
  const { scheduler } = parseModelConfig(CONFIGS[name as keyof typeof CONFIGS]);
  expect(scheduler).toMatchObject({ kind: 'UniPC', trainTimesteps: 1000, order: 2 });
});

test.each([
  { file: COMPONENTS.scheduler, change: { _name_or_path: 'a/b', _note: { any: 'thing' } } },
  {
    file: COMPONENTS.scheduler,
    change: { beta_start: 0.001, beta_schedule: 'scaled_linear', time_shift_type: 'linear' },
  },
  { file: COMPONENTS.scheduler, change: { use_something_new: false, something_new: null } },
  { file: COMPONENTS.scheduler, change: { shift: 5, base_shift: 0.5, max_shift: 1.15 } },
  {
    file: COMPONENTS.transformer,
    change: { _name_or_path: 'a/b', torch_dtype: 'bfloat16', quantization_config: null },
  },
  { file: COMPONENTS.text, change: { transformers_version: '4.49.0', use_cache: true, dtype: 'bfloat16', top_k: 50 } },
  { file: COMPONENTS.vae, change: { dropout: 0.1, decoder_base_dim: null, in_channels: 3 } },
  { file: MODEL_INDEX, change: { _name_or_path: 'a/b', image_encoder: [null, null], boundary_ratio: null } },
])('what changes no number is taken: $file with $change', ({ file, change }) => {
  expect(parseModelConfig(changed(file, change))).toEqual(parseModelConfig(CONFIGS['Wan2.1-T2V-1.3B']));
});

const { scheduler, transformer, vae, text } = COMPONENTS;

test.each([
  { file: scheduler, change: { use_karras_sigmas: true }, wanted: 'false' },
  { file: scheduler, change: { use_exponential_sigmas: true }, wanted: 'false' },
  { file: scheduler, change: { use_beta_sigmas: true }, wanted: 'false' },
  { file: scheduler, change: { use_flow_sigmas: false }, wanted: 'true' },
  { file: scheduler, change: { use_dynamic_shifting: true }, wanted: 'false' },
  { file: scheduler, change: { num_train_timesteps: 500 }, wanted: '1000' },
  { file: scheduler, change: { solver_order: 3 }, wanted: '1 or 2' },
  { file: scheduler, change: { solver_type: 'bh1' }, wanted: '"bh2"' },
  { file: scheduler, change: { solver_p: ['diffusers', 'UniPCMultistepScheduler'] }, wanted: 'null' },
  { file: scheduler, change: { predict_x0: false }, wanted: 'true' },
  { file: scheduler, change: { prediction_type: 'epsilon' }, wanted: '"flow_prediction"' },
  { file: scheduler, change: { lower_order_final: false }, wanted: 'true' },
  { file: scheduler, change: { final_sigmas_type: 'sigma_min' }, wanted: '"zero"' },
  { file: scheduler, change: { thresholding: true }, wanted: 'false' },
  { file: scheduler, change: { disable_corrector: [0] }, wanted: '[]' },
  { file: scheduler, change: { timestep_spacing: 'trailing' }, wanted: '"linspace"' },
  { file: scheduler, change: { steps_offset: 1 }, wanted: '0' },
  { file: scheduler, change: { trained_betas: [0.1] }, wanted: 'null' },
  { file: scheduler, change: { rescale_betas_zero_snr: true }, wanted: 'false' },
  { file: scheduler, change: { shift_terminal: 0.02 }, wanted: 'null' },
  { file: scheduler, change: { sigma_min: 0.1 }, wanted: 'null' },
  { file: scheduler, change: { sigma_max: 0.9 }, wanted: 'null' },
  { file: transformer, change: { qk_norm: 'rms_norm' }, wanted: '"rms_norm_across_heads"' },
  { file: transformer, change: { cross_attn_norm: false }, wanted: 'true' },
  { file: transformer, change: { pos_embed_seq_len: 514 }, wanted: 'null' },
  { file: transformer, change: { vace_layers: [0, 2] }, wanted: 'null' },
  { file: transformer, change: { rope_theta: 5000 }, wanted: '10000' },
  { file: vae, change: { attn_scales: [0.5] }, wanted: '[]' },
  { file: vae, change: { is_residual: true }, wanted: 'false' },
  { file: vae, change: { in_channels: 12 }, wanted: '3' },
  { file: vae, change: { patch_size: 2 }, wanted: 'null' },
  { file: vae, change: { scale_factor_temporal: 8 }, wanted: '4' },
  { file: vae, change: { scale_factor_spatial: 16 }, wanted: '8' },
  { file: vae, change: { scaling_factor: 0.18 }, wanted: '1' },
  { file: text, change: { dense_act_fn: 'relu' }, wanted: '"gelu_new"' },
  { file: text, change: { is_gated_act: false }, wanted: 'true' },
  { file: text, change: { feed_forward_proj: 'relu' }, wanted: '"gated-gelu"' },
  { file: text, change: { model_type: 't5' }, wanted: '"umt5"' },
])('$file with $change is refused by name', ({ file, change, wanted }) => {
  const [[field, value] = []] = Object.entries(change);
  const message = `${file}: ${field} ${JSON.stringify(value)} is not supported (must be ${wanted}); supported: `;
  expect(() => parseModelConfig(changed(file, change))).toThrow(
    expect.objectContaining({ code: 'E_MODEL_UNSUPPORTED', message: expect.stringContaining(message) }),
  );
});

const EULER = { _class_name: 'FlowMatchEulerDiscreteScheduler', flow_shift: undefined };
const asEuler = (change: object) => ({
  ...changed(scheduler, { ...EULER, ...change }),
  [MODEL_INDEX]: { ...CONFIGS['Wan2.1-T2V-1.3B'][MODEL_INDEX], scheduler: ['diffusers', EULER._class_name] },
});

test('the Euler sampler is read with its own shift', () => {
  expect(parseModelConfig(asEuler({ shift: 5 })).scheduler).toEqual({
    kind: 'FlowMatchEuler',
    trainTimesteps: 1000,
    flowShift: 5,
    order: 1,
  });
});

test.each([
  { change: { shift: 3, use_karras_sigmas: true }, found: 'use_karras_sigmas true' },
  { change: { shift: 3, invert_sigmas: true }, found: 'invert_sigmas true' },
  { change: { shift: 3, stochastic_sampling: true }, found: 'stochastic_sampling true' },
  { change: { shift: 3, num_train_timesteps: 100 }, found: 'num_train_timesteps 100' },
  { change: { flow_shift: 3 }, found: 'flow_shift 3 is not supported (this sampler calls it shift)' },
])('the Euler sampler with $change is refused by name', ({ change, found }) => {
  expect(() => parseModelConfig(asEuler(change))).toThrow(
    expect.objectContaining({
      code: 'E_MODEL_UNSUPPORTED',
      message: expect.stringContaining(`${scheduler}: ${found}`),
    }),
  );
});

test.each([
  {
    name: 'a setting of the sampler that nobody here knows',
    files: changed(scheduler, { use_lu_lambdas: true }),
    code: 'E_MODEL_UNSUPPORTED',
    message: `${scheduler}: "use_lu_lambdas" true is not supported (this program does not know the setting)`,
  },
  {
    name: 'another transformer in the index',
    files: changed(MODEL_INDEX, { transformer: ['diffusers', 'WanVACETransformer3DModel'] }),
    code: 'E_MODEL_UNSUPPORTED',
    message:
      'model_index.json: transformer "WanVACETransformer3DModel" is not supported (must be WanTransformer3DModel)',
  },
  {
    name: 'another pipeline',
    files: changed(MODEL_INDEX, { _class_name: 'StableDiffusionXLPipeline' }),
    code: 'E_MODEL_UNSUPPORTED',
    message: "model_index.json: StableDiffusionXLPipeline is not supported (only WanPipeline is, Wan's text-to-video",
  },
  {
    name: 'a quantised transformer',
    files: changed(transformer, { quantization_config: { quant_method: 'bitsandbytes', load_in_4bit: true } }),
    code: 'E_MODEL_QUANTIZED',
    message: `${transformer}: quantization_config "bitsandbytes": quantised models are not supported yet; take the bf16 or fp16`,
  },
  {
    name: 'means that are missing',
    files: changed(vae, { latents_mean: undefined }),
    code: 'E_MODEL_CONFIG',
    message: `${vae}: latents_mean is missing`,
  },
])('$name: refused by name', ({ files, code, message }) => {
  expect(() => parseModelConfig(files)).toThrow(
    expect.objectContaining({ code, message: expect.stringContaining(message) }),
  );
});
