/** Coded errors of building images. */
import { defineErrors } from '#contract/error.ts';

export const imageError = defineErrors({
  E_IMAGE_COMMAND: { message: '`{command}` failed with {status}: {tail}', fixer: 'developer', exit: 'internal' },
  E_IMAGE_PACKAGE: {
    message: '`{command}` is missing; as root: apt-get update && apt-get install --no-install-recommends {package}',
    fixer: 'administrator',
    exit: 'device',
  },
  E_IMAGE_USAGE: { message: '{detail}', fixer: 'user', exit: 'usage' },
  E_IMAGE_STOPPED: { message: 'stopped: nothing is left of what was half made', fixer: 'user', exit: 'interrupted' },
  E_IMAGE_OUTPUT: { message: 'cannot write {output}: {detail}', fixer: 'user', exit: 'output' },
  E_IMAGE_FOLDER: { message: '{folder} is no folder of {what}: it has no {wanted}', fixer: 'user', exit: 'model' },
  E_IMAGE_WHEEL: {
    message: '{folder} holds no wheel of {name} {version} with the sha256 {sha256}',
    fixer: 'user',
    exit: 'usage',
  },
  E_IMAGE_WHEEL_FILE: {
    message: '{wheel} does not hold {path}, or not all of it',
    fixer: 'developer',
    exit: 'internal',
  },
  E_IMAGE_NOT_A_LIBRARY: {
    message: '{file} is no shared library for 64-bit Linux',
    fixer: 'developer',
    exit: 'internal',
  },
  E_IMAGE_BUILD: {
    message: 'the wheel of {name} is of another build than the runtime: {found}, the runtime is {wanted}',
    fixer: 'developer',
    exit: 'internal',
  },
  E_IMAGE_LIBRARY: { message: 'the image lacks {missing}', fixer: 'developer', exit: 'internal' },
  E_IMAGE_FORBIDDEN: { message: 'the image holds {found}, which it must not', fixer: 'developer', exit: 'internal' },
});
