import { defineErrors } from '#contract/error.ts';

/** The models that this program runs, as people know them. */
const SUPPORTED = 'Wan2.1-T2V-1.3B, Wan2.1-T2V-14B and Wan2.2-T2V-A14B in the Diffusers layout';

/** What can be wrong with a model's description, or with asking graphs of it. */
export const modelError = defineErrors({
  E_MODEL_UNSUPPORTED: {
    message: `{file}: {found} is not supported ({why}); supported: ${SUPPORTED}`,
    fixer: 'user',
    exit: 'model',
  },
  E_MODEL_QUANTIZED: {
    message:
      '{file}: {mark} {method}: quantised models are not supported yet; take the bf16 or fp16 files of the model',
    fixer: 'user',
    exit: 'model',
  },
  E_MODEL_CONFIG: { message: '{file}: {field} {problem}', fixer: 'user', exit: 'model' },
  E_MODEL_TENSOR: { message: 'tensor {tensor}: found {found}, the model needs {wanted}', fixer: 'user', exit: 'model' },
});
