import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { jobSpecOf } from '#contract/generation.ts';
import { type JobSpec, jobSpecSchema } from '#contract/job-spec.ts';
import { listed, problemsOf } from '#contract/problems.ts';
import { MANIFEST_LIMIT_BYTES } from '../manifest/decode-text.ts';
import { type Manifest, readManifest } from '../manifest/manifest.ts';
import { cliError } from './errors.ts';

/** What the command line adds to a manifest. */
export interface LocalOptions {
  readonly file: string;
  readonly output?: string;
  readonly stages?: string;
  readonly model?: string;
  /** Where the film is computed: `auto`, `cpu` or `cuda`. */
  readonly device?: string;
  /** Try a film whose memory is not there. */
  readonly ignoreMemory?: boolean;
}

/** A manifest as this machine runs it, and what it says that only a cluster understands. */
export interface LocalJob {
  readonly spec: JobSpec;
  readonly notes: readonly string[];
}

/** Reads the manifest and fills in what a cluster would: where the model is and where the film goes. Throws coded errors. */
export function localJob(options: LocalOptions): LocalJob {
  const manifest = readManifest(readBytes(options.file), options.file === '-' ? 'standard input' : options.file);
  const { generation, name } = manifest;
  const spec = jobSpecOf(name, generation, {
    modelFolder: modelFolder(manifest, options),
    outputFolder: resolve(options.output ?? join('out', name)),
  });
  const asked = options.stages === undefined ? spec : withStages(spec, parseStages(options.stages));
  return { spec: withLeast(asked, generation.parallelism.minGpus), notes: notesOf(manifest) };
}

/** What is said to whoever wrote the manifest has to fit its fewest devices, too; a run does not ask for them. */
function withLeast(spec: JobSpec, minGpus: number | undefined): JobSpec {
  const { parallelism } = spec;
  return minGpus === undefined || minGpus > parallelism.gpus
    ? spec
    : { ...spec, parallelism: { ...parallelism, minGpus } };
}

/** The film on another number of devices, held to the rules again. Throws `E_CLI_STAGES_FIT`. */
function withStages(spec: JobSpec, stages: number): JobSpec {
  const asked = { ...spec, parallelism: { ...spec.parallelism, gpus: stages } };
  const parsed = jobSpecSchema.safeParse(asked);
  if (parsed.success) return parsed.data;
  const problems = problemsOf(parsed.error, asked, jobSpecSchema).map((text) =>
    text.replace(/^parallelism\.gpus: /, ''),
  );
  throw cliError('E_CLI_STAGES_FIT', { found: stages, problems: listed(problems) });
}

/** The file's bytes, or one more than a manifest may have: what a pipe or a device would go on to give is not waited for. */
function readBytes(file: string): Uint8Array {
  let handle: number | undefined;
  try {
    handle = file === '-' ? 0 : openSync(file, 'r');
    const bytes = new Uint8Array(MANIFEST_LIMIT_BYTES + 1);
    let length = 0;
    for (let got = -1; got !== 0 && length < bytes.length; length += got) {
      got = readOrWait(handle, bytes, length);
    }
    return bytes.subarray(0, length);
  } catch (error) {
    throw cliError('E_CLI_FILE', { file, reason: (error as NodeJS.ErrnoException).code ?? String(error) }, error);
  } finally {
    if (handle !== undefined && handle !== 0) closeSync(handle);
  }
}

/** Reads what is there; where nobody has typed anything yet, waits for it. */
function readOrWait(handle: number, bytes: Uint8Array, start: number): number {
  for (;;) {
    try {
      return readSync(handle, bytes, start, bytes.length - start, null);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
    }
  }
}

/** The number that `--stages` gives. Throws `E_CLI_STAGES`. */
export function parseStages(text: string): number {
  const stages = Number(text);
  if (!Number.isInteger(stages) || stages < 1 || stages > 64) throw cliError('E_CLI_STAGES', { found: text });
  return stages;
}

/**
 * `--model`, else the manifest's hostPath, else `model.ref` as a folder, beside the manifest, in DUALPARAL_MODELS or in the
 * models that come with the program. Names of the hub (`org/name`) match folders of the same last part.
 */
function modelFolder(manifest: Manifest, options: LocalOptions): string {
  const { ref } = manifest.generation.model;
  const beside = options.file === '-' ? '.' : dirname(options.file);
  if (options.model !== undefined) return resolve(options.model);
  if (manifest.modelFolder) return resolve(beside, manifest.modelFolder);
  const shipped = join(import.meta.dirname, '../../models');
  const roots = [process.cwd(), beside, process.env.DUALPARAL_MODELS, shipped].filter((root) => root !== undefined);
  const places = roots.flatMap((root) => [resolve(root, ref), resolve(root, ref.split('/').at(-1) ?? '')]);
  const found = places.find((place) => existsSync(join(place, 'model_index.json')) && statSync(place).isDirectory());
  if (found === undefined) {
    throw cliError('E_CLI_MODEL', { ref: ref, places: [...new Set(places)].join(', ') });
  }
  return found;
}

function notesOf({ clusterOnly }: Manifest): readonly string[] {
  return clusterOnly.length === 0 ? [] : [`only a cluster uses ${clusterOnly.join(', ')}: not used here`];
}
