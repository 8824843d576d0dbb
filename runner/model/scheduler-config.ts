import { z } from 'zod';
import { COMPONENTS, type SchedulerConfig } from './config.ts';
import { parseFields } from './config-fields.ts';
import { modelError } from './errors.ts';
import { shortJson, shortText } from './short-json.ts';

const absent = z.null().optional();
const off = z.literal(false).nullish();

/**
 * Every setting of the samplers of Diffusers 0.42 that this program knows, each honoured or held to the one value that is.
 * What belongs to a sampler that is not the one in use is held to it, too: whoever set it expects something of it.
 */
const sharedSettings = {
  _class_name: z.string(),
  num_train_timesteps: z.literal(1000).default(1000),
  use_karras_sigmas: off,
  use_exponential_sigmas: off,
  use_beta_sigmas: off,
  use_dynamic_shifting: off,
  shift_terminal: absent,
  invert_sigmas: off,
  stochastic_sampling: off,
  sigma_min: absent,
  sigma_max: absent,
};

const unipcSchema = z.object({
  ...sharedSettings,
  flow_shift: z.number().positive().max(1000).default(1),
  solver_order: z.literal([1, 2]).default(2),
  solver_type: z.literal('bh2').default('bh2'),
  solver_p: absent,
  predict_x0: z.literal(true).default(true),
  prediction_type: z.literal('flow_prediction'),
  use_flow_sigmas: z.literal(true),
  lower_order_final: z.literal(true).default(true),
  final_sigmas_type: z.literal('zero').default('zero'),
  thresholding: z.literal(false).default(false),
  disable_corrector: z.array(z.int()).length(0).default([]),
  timestep_spacing: z.literal('linspace').nullish(),
  steps_offset: z.literal(0).nullish(),
  trained_betas: absent,
  rescale_betas_zero_snr: off,
});

const eulerSchema = z.object({
  ...sharedSettings,
  shift: z.number().positive().max(1000).default(1),
});

/** Settings that change nothing: of schedules that flow matching replaces, and of what is held to be off above. */
const INERT = [
  ...['beta_start', 'beta_end', 'beta_schedule', 'dynamic_thresholding_ratio', 'sample_max_value', 'time_shift_type'],
  ...['base_shift', 'max_shift', 'base_image_seq_len', 'max_image_seq_len'],
];
const KNOWN = new Set([...INERT, ...Object.keys(unipcSchema.shape), ...Object.keys(eulerSchema.shape)]);

/**
 * Reads `scheduler_config.json`. `className` is the one of `model_index.json`, where it names one. A setting that this program
 * does not know is refused unless it says nothing (null, false, or a note of the program that wrote it, whose name begins with
 * an underscore). Throws `E_MODEL_UNSUPPORTED`, `E_MODEL_CONFIG`.
 */
export function parseSchedulerConfig(
  json: unknown,
  className: string | null,
  file: string = COMPONENTS.scheduler,
): SchedulerConfig {
  const found = className ?? parseFields(z.object({ _class_name: z.string() }), json, file)._class_name;
  if (found === 'UniPCMultistepScheduler') {
    const c = parseFields(unipcSchema, json, file);
    refuseUnknown(json, file);
    refuseOtherShift(json, file, 'shift', 'flow_shift');
    return { kind: 'UniPC', trainTimesteps: c.num_train_timesteps, flowShift: c.flow_shift, order: c.solver_order };
  }
  if (found === 'FlowMatchEulerDiscreteScheduler') {
    const c = parseFields(eulerSchema, json, file);
    refuseUnknown(json, file);
    refuseOtherShift(json, file, 'flow_shift', 'shift');
    return { kind: 'FlowMatchEuler', trainTimesteps: c.num_train_timesteps, flowShift: c.shift, order: 1 };
  }
  const why = 'samplers are UniPCMultistepScheduler and FlowMatchEulerDiscreteScheduler';
  throw modelError('E_MODEL_UNSUPPORTED', { file, found: shortText(found), why });
}

function refuseUnknown(json: unknown, file: string): void {
  const says = ([name, value]: readonly [string, unknown]) =>
    !KNOWN.has(name) && !name.startsWith('_') && value !== null && value !== false;
  const unknown = Object.entries(json as object).find(says);
  if (unknown === undefined) return;
  const found = `${shortJson(unknown[0])} ${shortJson(unknown[1])}`;
  throw modelError('E_MODEL_UNSUPPORTED', { file, found, why: 'this program does not know the setting' });
}

/** The samplers call the same number by two names; one that is there only by the other's would have no effect. */
function refuseOtherShift(json: unknown, file: string, other: string, own: string): void {
  const { [other]: found, [own]: wanted } = json as Readonly<Record<string, unknown>>;
  if (found == null || found === 1 || wanted != null) return;
  const why = `this sampler calls it ${own}`;
  throw modelError('E_MODEL_UNSUPPORTED', { file, found: `${other} ${shortJson(found)}`, why });
}
