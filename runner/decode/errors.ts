import { defineErrors } from '#contract/error.ts';

/** Errors of turning latents into frames. */
export const decodeError = defineErrors({
  E_DECODE_THREAD: {
    message:
      "the decoder's thread ended with exit code {code} and without a reason; try again, with more memory if it repeats",
    fixer: 'administrator',
    exit: 'device',
  },
  E_DECODE_HUNG: {
    message:
      'the video decoder on {device} has been at one latent for {seconds} s, far longer than at any before, and was given up; try again, on another device if it repeats (DUALPARAL_PATIENCE_SECONDS allows more)',
    fixer: 'administrator',
    exit: 'device',
  },
  E_DECODE_LOAD_HUNG: {
    message:
      'the video decoder on {device} has been loading for {seconds} s and was given up: its device or the disk of the model does not answer; try again, on another device if it repeats (DUALPARAL_PATIENCE_SECONDS allows more)',
    fixer: 'administrator',
    exit: 'device',
  },
  E_DECODE_NOT_FINITE: {
    message:
      'the video decoder made a picture of numbers that are not finite at latent {latent}: a weight of vae/ is damaged, or with decoding.precision float16 too large for it; fetch the model again (dualparal inspect MODEL --verify compares it with its checksums)',
    fixer: 'user',
    exit: 'model',
  },
  E_DECODE_STOPPED: { message: 'the decoder was closed before its last frame', fixer: 'user', exit: 'resume' },
  E_DECODE_LATENTS: {
    message: 'the decoder was given latents of shape [{found}], it was opened for [{wanted}]',
    fixer: 'developer',
    exit: 'internal',
  },
});
