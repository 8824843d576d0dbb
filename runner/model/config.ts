/**
 * What a model is: the numbers of its `model_index.json` and component configs that graphs, plan and sampler need.
 * Pure: parsed JSON in, checked records out. Everything that our graphs do not compute is refused by name.
 */

/** The diffusion transformer. `width` = heads × headWidth. */
export interface TransformerConfig {
  readonly layers: number;
  readonly heads: number;
  readonly headWidth: number;
  readonly width: number;
  readonly feedForwardWidth: number;
  readonly latentChannels: number;
  readonly textWidth: number;
  readonly timeWidth: number;
  readonly epsilon: number;
  /** Latent frames that rotary positions were defined for. */
  readonly maxPositions: number;
}

/** The decoder of the video autoencoder. `multipliers` and `temporal` are in the encoder's order. */
export interface VaeConfig {
  readonly baseWidth: number;
  readonly latentChannels: number;
  readonly multipliers: readonly number[];
  readonly residualBlocks: number;
  readonly temporal: readonly boolean[];
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** The UMT5 text encoder. */
export interface TextEncoderConfig {
  readonly layers: number;
  readonly heads: number;
  readonly headWidth: number;
  readonly width: number;
  readonly feedForwardWidth: number;
  readonly vocabulary: number;
  readonly buckets: number;
  readonly maxDistance: number;
  readonly epsilon: number;
}

/** The sampler that the model was published with. */
export interface SchedulerConfig {
  readonly kind: 'UniPC' | 'FlowMatchEuler';
  readonly trainTimesteps: number;
  readonly flowShift: number;
  /** Highest order of the multistep rule: 1 or 2. */
  readonly order: number;
}

/** A whole model. `transformer2` is the low-noise expert, used below `boundaryRatio` of the training timesteps. */
export interface ModelConfig {
  readonly transformer: TransformerConfig;
  readonly transformer2: TransformerConfig | null;
  readonly boundaryRatio: number | null;
  readonly vae: VaeConfig;
  readonly text: TextEncoderConfig;
  readonly scheduler: SchedulerConfig;
}

/** Folders of a model in the Diffusers layout, and the config that each holds. */
export const COMPONENTS = {
  transformer: 'transformer/config.json',
  transformer2: 'transformer_2/config.json',
  vae: 'vae/config.json',
  text: 'text_encoder/config.json',
  scheduler: 'scheduler/scheduler_config.json',
} as const;
export const MODEL_INDEX = 'model_index.json';
