import { defineErrors } from '#contract/error.ts';

/** Errors of turning latents into frames. */
export const decodeError = defineErrors({
  E_DECODE_THREAD: {
    message:
      "the decoder's thread ended with exit code {code} and without a reason; try again, with more memory if it repeats",
    fixer: 'administrator',
    exit: 'device',
  },
  E_DECODE_STOPPED: { message: 'the decoder was closed before its last frame', fixer: 'user', exit: 'resume' },
  E_DECODE_LATENTS: {
    message: 'the decoder was given latents of shape [{found}], it was opened for [{wanted}]',
    fixer: 'developer',
    exit: 'internal',
  },
});
