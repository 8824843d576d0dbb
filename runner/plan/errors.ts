import { defineErrors } from '#contract/error.ts';

/** Why a specification cannot run on the devices at hand; each names the number found and the number wanted. */
export const planError = defineErrors({
  E_PLAN_STAGES: {
    message:
      'parallelism.gpus is {stages}, but the model has {layers} layers, one at least per device; ask for {layers} or fewer',
    fixer: 'user',
    exit: 'plan',
  },
  E_PLAN_DEVICES: {
    message: 'parallelism.gpus is {stages}, but this machine gives {devices} devices; ask for {devices} or fewer',
    fixer: 'user',
    exit: 'plan',
  },
  E_PLAN_WINDOW: {
    message:
      'a block sees {found} latents (blockLatents {block} + 2 × contextLatents {context}), the model has positions for {wanted}; make blockLatents or contextLatents smaller',
    fixer: 'user',
    exit: 'plan',
  },
  E_PLAN_MEMORY: {
    message:
      'stage {stage} (layers {first}–{last}) needs {need} of memory on {device}, which has {have}: {missing} too little; use more devices, a smaller size or smaller blocks',
    fixer: 'user',
    exit: 'plan',
  },
});
