/** What somebody may have meant by a field that does not exist. */
import { generationShape } from './generation.ts';

/** Fields by the names that other programs give them, all in small letters and without `_`, `-` and spaces. */
const OTHER_NAMES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    'spec.prompt': ['text', 'positiveprompt', 'caption'],
    'spec.negativePrompt': ['negativeprompt', 'negprompt', 'nprompt', 'negative', 'sampleNegPrompt'],
    'spec.seed': ['seed', 'baseseed', 'noiseseed', 'manualseed', 'generator'],
    'spec.length.frames': ['frames', 'numframes', 'framenum', 'framecount', 'videolength', 'nframes'],
    'spec.length.seconds': ['seconds', 'duration', 'durationseconds', 'numseconds'],
    'spec.size.width': ['width', 'w', 'imagewidth'],
    'spec.size.height': ['height', 'h', 'imageheight'],
    'spec.size': ['size', 'resolution'],
    'spec.fps': ['fps', 'framerate', 'framespersecond', 'exportfps', 'samplefps'],
    'spec.sampling.steps': ['steps', 'numinferencesteps', 'inferencesteps', 'samplesteps', 'samplingsteps', 'numsteps'],
    'spec.sampling.guidanceScale': [
      ...['guidance', 'guidancescale', 'cfg', 'cfgscale', 'guidescale', 'sampleguidescale', 'sampleguidancescale'],
    ],
    'spec.sampling.guidanceScale2': ['guidancescale2', 'guidance2', 'cfg2', 'cfgscale2'],
    'spec.sampling.flowShift': ['flowshift', 'shift', 'sampleshift', 'timestepshift'],
    'spec.sampling.scheduler': ['scheduler', 'sampler', 'samplername', 'samplesolver', 'solver'],
    'spec.sampling.maxSequenceLength': ['maxsequencelength', 'textlen', 'maxlength'],
    'spec.sampling.precision': ['precision', 'dtype', 'torchdtype', 'computedtype', 'mixedprecision', 'weightdtype'],
    'spec.parallelism.gpus': ['gpus', 'numgpus', 'ngpus', 'gpucount', 'worldsize'],
    'spec.parallelism.blockLatents': ['blocklatents', 'numperblock', 'blocksize'],
    'spec.parallelism.contextLatents': ['contextlatents', 'context', 'overlap'],
    'spec.decoding.tiling': ['tiling', 'vaetiling', 'tiledvae', 'enabletiling'],
    'spec.decoding.precision': ['vaeprecision', 'vaedtype'],
    'spec.model.ref': ['modelid', 'modelname', 'modelpath', 'ckptdir', 'checkpoint', 'pretrainedmodel'],
    'spec.output.formats': ['formats', 'format', 'outputformat'],
  }).flatMap(([field, names]) => names.map((name) => [plain(name), field] as const)),
);

/** Path of the field that somebody may have meant, if one is near by its letters or by another program's name for it. */
export function nearField(path: string, field: string, known: readonly string[]): string | undefined {
  const local = (name: string) => (path === '' ? name : `${path}.${name}`);
  const written = plain(field);
  const same = known.find((name) => plain(name) === written);
  if (same !== undefined) return local(same);
  if (path === '' && Object.hasOwn(generationShape, field)) return `spec.${field}`;
  const other = path === '' || path === 'spec' || path.startsWith('spec.') ? OTHER_NAMES.get(written) : undefined;
  // What is only one letter off here is more likely than a name of elsewhere.
  const slip = nearest(field, known);
  if (other !== undefined && (slip === undefined || slip.edits > 1)) return other;
  return slip === undefined ? undefined : local(slip.name);
}

function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[_\- .]/g, '');
}

/** Longest distance at which a name still counts as a slip of the pen: a third of it, and two at least. */
const nearEdits = (name: string) => Math.max(2, Math.floor(name.length / 3));

function nearest(
  field: string,
  known: readonly string[],
): { readonly name: string; readonly edits: number } | undefined {
  // Names like `__proto__` belong to programs.
  if (field.startsWith('__')) return undefined;
  const written = plain(field);
  return known
    .filter((name) => Math.abs(plain(name).length - written.length) <= nearEdits(name))
    .map((name) => ({ name, edits: editDistance(written, plain(name)) }))
    .filter(({ edits }) => edits <= nearEdits(field) && edits < written.length)
    .sort((a, b) => a.edits - b.edits)[0];
}

/** Levenshtein's distance. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
