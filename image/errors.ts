/** Coded errors of building images. */
import { defineErrors } from '#contract/error.ts';

export const imageError = defineErrors({
  E_IMAGE_COMMAND: { message: '`{command}` failed with {status}: {tail}', fixer: 'developer', exit: 'internal' },
  E_IMAGE_PACKAGE: {
    message: '`{command}` is missing; as root: apt-get update && apt-get install --no-install-recommends {command}',
    fixer: 'administrator',
    exit: 'device',
  },
  E_IMAGE_USAGE: { message: '{detail}', fixer: 'user', exit: 'usage' },
  E_IMAGE_FOLDER: { message: '{folder} is no folder of a model: it has no {wanted}', fixer: 'user', exit: 'model' },
  E_IMAGE_FORBIDDEN: { message: 'the image holds {found}, which it must not', fixer: 'developer', exit: 'internal' },
});
