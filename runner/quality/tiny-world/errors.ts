import { defineErrors } from '#contract/error.ts';

/** What can be wrong with the world file that comes with a model. */
export const qualityError = defineErrors({
  E_QUALITY_WORLD: {
    message: 'world.json of the model: {reason}; its films are measured without their prompt',
    fixer: 'user',
    exit: 'spec',
  },
});
