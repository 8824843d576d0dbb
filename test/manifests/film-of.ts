import { CodedError } from '#contract/error.ts';
import { generationShape } from '#contract/generation.ts';
import { readManifest } from '../../runner/manifest/manifest.ts';

/** What a manifest asks for, as far as a runner without a cluster sees it. */
export type Film = Readonly<Record<string, unknown>>;

/** A film as the commands read it, or the text of their refusal. */
export function filmOfCommands(bytes: Uint8Array): Film | string {
  try {
    const { name, generation } = readManifest(bytes, 'film.yaml');
    return { name, ...generation };
  } catch (error) {
    if (error instanceof CodedError && error.exit === 'spec') return `${error.code}: ${error.message}`;
    throw error;
  }
}

interface Answer {
  readonly metadata: { readonly name: string; readonly generateName?: string };
  readonly spec: Film & { readonly model: { readonly ref: string }; readonly output: { readonly formats: unknown } };
}

/** The same of an object that the API server gave back. A name that it made up ends where the prefix did. */
export function filmOfServer({ metadata, spec }: Answer): Film {
  const known = Object.entries(spec).filter(([field]) => Object.hasOwn(generationShape, field));
  return {
    name: metadata.generateName?.replace(/-+$/, '') ?? metadata.name,
    ...Object.fromEntries(known),
    model: { ref: spec.model.ref },
    output: { formats: spec.output.formats },
  };
}
