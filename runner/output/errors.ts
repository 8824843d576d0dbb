import { defineErrors } from '#contract/error.ts';

/** Errors of turning frames into a film. Those of the place where it is stored are in `store/errors.ts`. */
export const outputError = defineErrors({
  E_FFMPEG_MISSING: {
    message:
      'no ffmpeg with libx264 was found: DUALPARAL_FFMPEG is not set, {path}, {bundled}; install ffmpeg, or set DUALPARAL_FFMPEG to its path',
    fixer: 'administrator',
    exit: 'output',
  },
  E_FFMPEG_UNUSABLE: {
    message: 'DUALPARAL_FFMPEG names {program}, which {reason}; set it to an ffmpeg with libx264, or unset it',
    fixer: 'administrator',
    exit: 'output',
  },
  E_FFMPEG_FAILED: {
    message: '{program} could not {task}: {reason}; run it by hand, or set DUALPARAL_FFMPEG to another one',
    fixer: 'administrator',
    exit: 'output',
  },
  E_FFMPEG_KILLED: {
    message: '{program} was killed by {signal} before it could {task}; the machine may have run out of memory',
    fixer: 'administrator',
    exit: 'device',
  },
  E_FFMPEG_HUNG: {
    message:
      '{program} made no progress for {seconds} s when it had to {task}, and was ended; try again, or set DUALPARAL_FFMPEG to another ffmpeg (a slow machine: more DUALPARAL_FFMPEG_PATIENCE_SECONDS)',
    fixer: 'administrator',
    exit: 'device',
  },
  E_FFMPEG_FRAMES: {
    message: '{program} was given {sent} frames and wrote {found}; set DUALPARAL_FFMPEG to another ffmpeg',
    fixer: 'administrator',
    exit: 'output',
  },
  E_FFMPEG_CHANGED: {
    message:
      'block {block} was encoded by another ffmpeg build than the blocks before it, which cannot be joined; use the same build for the whole film (now: {program})',
    fixer: 'administrator',
    exit: 'output',
  },
  E_OUTPUT_FRAMES: {
    message: '{what} holds {found} frames where {wanted} were expected',
    fixer: 'developer',
    exit: 'internal',
  },
  E_OUTPUT_BLOCK: {
    message:
      'block {block} {what}: {path}; nothing was published from it, see what else writes there and start the film again',
    fixer: 'administrator',
    exit: 'output',
  },
  E_OUTPUT_OTHER_FILM: {
    message:
      '{path} belongs to another film: {differences}; give another output folder (-o), move it away, or let it be replaced (--overwrite)',
    fixer: 'user',
    exit: 'output',
  },
  E_OUTPUT_FOREIGN: {
    message: '{path} {what}; give another output folder (-o), move it away, or let it be replaced (--overwrite)',
    fixer: 'user',
    exit: 'output',
  },
  E_OUTPUT_ROOM: {
    message:
      'the film cannot fit into {path}: it needs at least {least} (about {likely}), and {free} are free; free some, or give an output folder with more room',
    fixer: 'administrator',
    exit: 'output',
  },
  E_OUTPUT_FULL: {
    message:
      'no space is left to join the film in {path}; its {frames} frames are kept in {blocks}: to finish it elsewhere, cat {blocks}/init.mp4 {blocks}/*.m4s > film.mp4',
    fixer: 'administrator',
    exit: 'output',
  },
  E_OUTPUT_MP4: { message: '{file} is not an mp4 film that can be read: {reason}', fixer: 'user', exit: 'output' },
});
