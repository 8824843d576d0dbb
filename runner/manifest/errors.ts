import { defineErrors } from '#contract/error.ts';

/** Errors of manifests, all of which their writer can mend. */
export const manifestError = defineErrors({
  E_MANIFEST_SIZE: {
    message: '{file} has more than {limit} bytes: is it a manifest?',
    fixer: 'user',
    exit: 'spec',
  },
  E_MANIFEST_TEXT: {
    message: '{file}: byte {offset} (line {line}) is not {encoding}: save the file as UTF-8',
    fixer: 'user',
    exit: 'spec',
  },
  E_MANIFEST_YAML: { message: '{file}:{line}:{column}: not readable as YAML: {detail}', fixer: 'user', exit: 'spec' },
  E_MANIFEST_KIND: {
    message: '{file} must hold one document of kind VideoGeneration, found {found}',
    fixer: 'user',
    exit: 'spec',
  },
  E_MANIFEST_VERSION: {
    message: '{file}: apiVersion must be {wanted}, found {found}',
    fixer: 'user',
    exit: 'spec',
  },
  E_MANIFEST_FIELDS: { message: '{file}: {problems}', fixer: 'user', exit: 'spec' },
});
