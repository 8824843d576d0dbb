import { defineErrors } from '#contract/error.ts';

/** Why a specification cannot run on the devices at hand; each names the number found and the number wanted. */
export const planError = defineErrors({
  E_PLAN_STAGES: {
    message:
      'parallelism.gpus is {stages}, but the model has {layers} layers{lines}, one at least per device; ask for {most} or fewer',
    fixer: 'user',
    exit: 'plan',
  },
  E_PLAN_DEVICES: {
    message: 'parallelism.gpus is {stages}, but this machine gives {devices} devices; ask for {devices} or fewer',
    fixer: 'user',
    exit: 'plan',
  },
  E_PLAN_GUIDANCE_PARALLEL: {
    message:
      'parallelism.guidanceParallel gives each guidance branch half of the devices, but no step of this film is guided ({why}); leave it out',
    fixer: 'user',
    exit: 'plan',
  },
  E_PLAN_WINDOW: {
    message:
      'a block sees {found} latents (blockLatents {block} + 2 × contextLatents {context}), the model has positions for {wanted}; make blockLatents or contextLatents smaller',
    fixer: 'user',
    exit: 'plan',
  },
  E_PLAN_PRECISION: {
    message:
      'sampling.precision is {said}: {device} cannot compute in it ({why}); make sampling.precision {instead} there, or use a GPU that can',
    fixer: 'user',
    exit: 'plan',
  },
  E_PLAN_MEMORY: {
    message: '{what} needs {need} of memory on {place}, which has {have}: {missing} too little; {remedy}',
    fixer: 'user',
    exit: 'plan',
  },
});
