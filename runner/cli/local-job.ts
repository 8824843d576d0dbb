import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { JobSpec } from '#contract/job-spec.ts';
import { jobSpecOf, type Manifest, readManifest } from '#contract/manifest.ts';
import { cliError } from './errors.ts';

/** What the command line adds to a manifest. */
export interface LocalOptions {
  readonly file: string;
  readonly output?: string;
  readonly stages?: string;
  readonly model?: string;
}

/** A manifest as this machine runs it, and what it says that only a cluster understands. */
export interface LocalJob {
  readonly spec: JobSpec;
  readonly notes: readonly string[];
}

/** Reads the manifest and fills in what a cluster would: where the model is and where the film goes. Throws coded errors. */
export function localJob(options: LocalOptions): LocalJob {
  const manifest = readManifest(readText(options.file), options.file);
  const { generation, name } = manifest;
  const gpus = options.stages === undefined ? generation.parallelism.gpus : parseStages(options.stages);
  const spec = jobSpecOf(
    name,
    { ...generation, parallelism: { ...generation.parallelism, gpus } },
    { modelFolder: modelFolder(manifest, options), outputFolder: resolve(options.output ?? join('out', name)) },
  );
  return { spec, notes: notesOf(manifest) };
}

function readText(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    throw cliError('E_CLI_FILE', { file, reason: (error as NodeJS.ErrnoException).code ?? String(error) }, error);
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
  if (options.model) return resolve(options.model);
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

function notesOf({ clusterOnly, unknown }: Manifest): readonly string[] {
  const notes: string[] = [];
  if (clusterOnly.length > 0) notes.push(`only a cluster uses ${clusterOnly.join(', ')}: not used here`);
  for (const { path } of unknown) notes.push(`unknown field ${path}: ignored`);
  return notes;
}
