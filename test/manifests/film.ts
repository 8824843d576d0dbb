/** A film to put odd things into. */

type Lines = Readonly<Record<string, string | null>>;

const SPEC: Lines = {
  prompt: 'a red circle moving right on a dark background',
  seed: '42',
  length: '{ frames: 9 }',
  size: '{ width: 96, height: 96 }',
  model: '{ ref: tiny, source: { persistentVolumeClaim: { claimName: models } } }',
  sampling: '{ steps: 2, flowShift: 1.5, guidanceScale: 1 }',
  parallelism: '{ gpus: 1, blockLatents: 4, contextLatents: 2 }',
  output: '{ persistentVolumeClaim: { claimName: films } }',
};

/** A film; `lines` go over the fields of its spec, and a null leaves one out. */
export function film(lines: Lines = {}, metadata = '{ name: a-case }', rest = ''): string {
  const fields = Object.entries({ ...SPEC, ...lines }).filter(([, value]) => value !== null);
  const spec = fields.map(([field, value]) => `  ${field}: ${value}\n`).join('');
  return `apiVersion: dualparal.io/v1alpha1\nkind: VideoGeneration\nmetadata: ${metadata}\nspec:\n${spec}${rest}`;
}

export const JSON_FILM = {
  apiVersion: 'dualparal.io/v1alpha1',
  kind: 'VideoGeneration',
  metadata: { name: 'a-case' },
  spec: {
    prompt: 'a circle',
    seed: 7,
    length: { frames: 9 },
    model: { ref: 'tiny', source: { image: { reference: 'm' } } },
    output: { persistentVolumeClaim: { claimName: 'films' } },
  },
};
export const json = (spec: object, rest: object = {}) =>
  JSON.stringify({ ...JSON_FILM, ...rest, spec: { ...JSON_FILM.spec, ...spec } });

/** One field given in many ways. */
