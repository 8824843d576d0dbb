import { defineErrors } from '#contract/error.ts';

/** What can be wrong with noise that was given instead of drawn from a seed. */
export const noiseError = defineErrors({
  E_NOISE_POOL: {
    message:
      'the noise pool has shape [{found}], this run needs [{wanted}]: channels, latents, height, width of one block and its context',
    fixer: 'user',
    exit: 'spec',
  },
  E_NOISE_ORDERS: {
    message: 'the noise has {found} permutations of later blocks, this run of {blocks} blocks needs {wanted}',
    fixer: 'user',
    exit: 'spec',
  },
  E_NOISE_ORDER: {
    message: 'permutation {index} of the noise is [{found}], it must hold each of 0 … {last} once',
    fixer: 'user',
    exit: 'spec',
  },
});

/** What can be wrong with the settings of the sampler. */
export const samplerError = defineErrors({
  E_SAMPLING_LEVELS: {
    message:
      "sampling.flowShift {shift} (the spec's, or the model's own) with {steps} steps of {scheduler} gives no usable noise levels: the level of step {step} is {found}, it must be above 0 and below the one before; take a flowShift between 0.1 and 20, or fewer steps",
    fixer: 'user',
    exit: 'spec',
  },
});
