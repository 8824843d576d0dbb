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
