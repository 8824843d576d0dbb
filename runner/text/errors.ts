import { defineErrors } from '#contract/error.ts';

/** Errors of the tokenizer and the text encoder. */
export const textError = defineErrors({
  E_PROMPT_BLANK: {
    message:
      'prompt: nothing to read is left of {prompt} once it is cleaned of HTML names, wrong encodings and characters without ink; write in words what the film shows',
    fixer: 'user',
    exit: 'spec',
  },
  E_TOKENIZER_FILE: {
    message: "cannot read the tokenizer {file}: {reason}; put the model's own tokenizer folder back",
    fixer: 'user',
    exit: 'model',
  },
  E_TOKENIZER_MISSING: {
    message:
      '{file}: the file is missing, and {found} alone is not enough; download it too, or make it in Python: transformers.AutoTokenizer.from_pretrained("{folder}").save_pretrained("{folder}")',
    fixer: 'user',
    exit: 'model',
    notYet: true,
  },
  E_TOKENIZER_UNSUPPORTED: {
    message: '{file} asks for {what}, which is not supported; supported: {supported}',
    fixer: 'user',
    exit: 'model',
  },
  E_TOKENIZER_VOCABULARY: {
    message: '{file} has token number {found} where the text encoder knows {wanted} tokens; they belong to two models',
    fixer: 'user',
    exit: 'model',
  },
  E_TEXT_NOT_FINITE: {
    message:
      'the text encoder made numbers that are not finite (NaN or infinity): a weight of text_encoder/ is damaged, or with sampling.precision float16 too large for it; fetch the model again (dualparal inspect MODEL --verify compares it with its checksums)',
    fixer: 'user',
    exit: 'model',
  },
  E_TEXT_HUNG: {
    message:
      'the text encoder on {device} has been at the prompts for {seconds} s and was given up; try again, on another device if it repeats (DUALPARAL_PATIENCE_SECONDS allows more)',
    fixer: 'administrator',
    exit: 'device',
  },
  E_TEXT_THREAD: {
    message:
      "the text encoder's thread ended with exit code {code} and without a reason; try again, with more memory if it repeats",
    fixer: 'administrator',
    exit: 'device',
  },
});
