import { join } from 'node:path';
import { EXITS } from '#contract/exit.ts';
import { worldWarnings } from '../judge-film.ts';
import type { SchedulerConfig } from '../model/config.ts';
import { COMPONENT_CLASSES } from '../model/parse-config.ts';
import { checkStages } from '../plan/checks.ts';
import { transformerBytes, weightsOf } from '../plan/memory.ts';
import { type LayerSlice, sliceLayers } from '../plan/slices.ts';
import { loadModelTokenizer } from '../text/prompt-tokens.ts';
import { CHECKSUM_FILE } from '../weights/checksums.ts';
import { inspectModel, type ModelInspection } from '../weights/inspect-model.ts';
import { type ComponentSurvey, collect } from '../weights/survey.ts';
import { parseStages } from './local-job.ts';
import { printJson, printLines, printNotes } from './print.ts';

/** Options of `dualparal inspect`. */
export interface InspectOptions {
  readonly stages?: string;
  readonly verify?: boolean;
  readonly json?: boolean;
}

/** Stored bytes of every stage for one number of stages. */
interface Cut {
  readonly stages: number;
  readonly slices: readonly (LayerSlice & { readonly weightBytes: number })[];
}

/** A model alone has no size of picture, length or device, by which `plan` cuts. */
const CUT_NOTE = 'layers are divided by number here; `dualparal plan` divides a film’s by time, which can move a few';

const USUAL_STAGES = [1, 2, 4, 8];
const NAMES_SHOWN = 10;

const SCHEDULERS = { UniPC: 'UniPCMultistepScheduler', FlowMatchEuler: 'FlowMatchEulerDiscreteScheduler' } as const;

/**
 * Says what a model folder is. What keeps it from running goes to the error output, one line each, and gives the exit code
 * `model`; header-only files do not: they are said to be what they are.
 */
export function inspectCommand(folder: string, options: InspectOptions): void {
  const verify = options.verify === true;
  const onFile = (file: string) => printNotes([`reading ${file}`]);
  const inspection = withTokenizer(inspectModel(folder, { verify, ...(process.stderr.isTTY ? { onFile } : {}) }));
  const warnings = worldWarnings(inspection.folder);
  const cuts = cutsOf(inspection, options.stages === undefined ? undefined : parseStages(options.stages));
  if (options.json === true) {
    printJson({ ...asRecord(inspection, cuts), warnings, verified: verify && inspection.problems.length === 0 }, 2);
  } else printLines(describe(inspection, cuts, options));
  printNotes(warnings.map((warning) => `warning: ${warning}`));
  printNotes(inspection.problems.map(({ code, message }) => `${code}: ${message}`));
  if (inspection.problems.length > 0) process.exitCode = EXITS.model.code;
}

/** Also reads the tokenizer, as a run does, and adds what is wrong with it. */
function withTokenizer(inspection: ModelInspection): ModelInspection {
  const problems = [...inspection.problems];
  // Without the encoder's own number of tokens, any tokenizer fits.
  const vocabulary = inspection.config?.text.vocabulary ?? Number.POSITIVE_INFINITY;
  const tokenizerFolder = join(inspection.folder, 'tokenizer');
  collect(problems, () => loadModelTokenizer({ tokenizerFolder, config: { vocabulary } }));
  return { ...inspection, problems };
}

/** Bytes per stage: for the stages asked for, else for the usual numbers. None while the transformer cannot be read. */
function cutsOf({ config, components }: ModelInspection, asked: number | undefined): readonly Cut[] {
  if (config === null) return [];
  const { layers } = config.transformer;
  if (asked !== undefined) checkStages(asked, layers, 1, asked);
  const experts = components.filter(({ folder }) => folder.startsWith('transformer'));
  const bytes = experts.map(({ tensors }) =>
    transformerBytes(
      [...tensors].map(([name, { byteLength }]) => [name, byteLength] as const),
      layers,
    ),
  );
  const numbers = asked === undefined ? USUAL_STAGES.filter((stages) => stages <= layers) : [asked];
  return numbers.map((stages) => {
    const slices = sliceLayers(layers, stages).map((slice, stage) => {
      const parts = bytes.map((expert) => weightsOf(expert, slice, stage === 0, stage === stages - 1));
      return { ...slice, weightBytes: sum(parts) };
    });
    return { stages, slices };
  });
}

/** Everything, as `--json` prints it. */
function asRecord({ components, config, ...inspection }: ModelInspection, cuts: readonly Cut[]) {
  return {
    ...inspection,
    complete: inspection.problems.length === 0 && components.every(({ headerOnlyFiles }) => headerOnlyFiles === 0),
    classes: {
      pipeline: 'WanPipeline',
      ...Object.fromEntries(components.map((survey) => [survey.folder, classOf(survey)])),
      scheduler: config && SCHEDULERS[config.scheduler.kind],
    },
    config,
    components: components.map(({ tensors, problems: _, ...survey }) => ({
      ...survey,
      tensors: tensors.size,
      byteLength: bytesOf(survey),
    })),
    cuts,
    cutNote: CUT_NOTE,
  };
}

function describe(inspection: ModelInspection, cuts: readonly Cut[], options: InspectOptions): readonly string[] {
  const { folder, name, config, components, parameters, problems } = inspection;
  const what = name ?? (config === null ? 'a Wan model that cannot be read whole' : 'a Wan text-to-video model');
  const headerOnly = sum(components.map(({ headerOnlyFiles }) => headerOnlyFiles));
  const files = sum(components.map((survey) => survey.files.length));
  return [
    `${folder}: ${what} (WanPipeline)`,
    ...components.flatMap(describeComponent),
    ...(config === null ? [] : [`  scheduler      ${describeScheduler(config.scheduler)}`]),
    ...(config?.boundaryRatio == null
      ? []
      : [`  experts        second one below ${config.boundaryRatio} of the timesteps`]),
    `  together       ${parameters.toLocaleString('en')} parameters, ${gigabytes(sum(components.map(bytesOf)))}`,
    ...(options.stages !== undefined ? cuts.flatMap(describeStages) : cuts.map(describeCut)),
    ...(cuts.some(({ stages }) => stages > 1) ? [`  ${CUT_NOTE}`] : []),
    ...(options.verify === true && problems.length === 0
      ? [`  checksums      every file is as ${CHECKSUM_FILE} says`]
      : []),
    ...(headerOnly === 0
      ? []
      : [`  headers only: ${headerOnly} of ${files} weight files hold no data, so the model cannot run`]),
  ];
}

function describeComponent(survey: ComponentSurvey): readonly string[] {
  const { folder, files, tensors, parameters, dtypes, missing, surplus, misshapen } = survey;
  const stored = Object.keys(dtypes).sort().join(' + ') || 'nothing';
  const kind = classOf(survey) ?? 'config.json cannot be read';
  const counts = `${tensors.size} tensors, ${parameters.toLocaleString('en')} parameters`;
  const size = `${stored}, ${gigabytes(bytesOf(survey))} in ${files.length} file${files.length === 1 ? '' : 's'}`;
  return [
    `  ${folder.padEnd(14)} ${kind}: ${counts}, ${size}`,
    ...listNames('missing', missing),
    ...listNames('too many', surplus),
    ...listNames(
      'misshapen',
      misshapen.map(({ tensor, found, wanted }) => `${tensor}: ${found}, wanted ${wanted}`),
    ),
  ];
}

function classOf({ folder, configRead }: ComponentSurvey): string | null {
  return configRead ? COMPONENT_CLASSES[folder] : null;
}

function listNames(label: string, names: readonly string[]): readonly string[] {
  const more = names.length - NAMES_SHOWN;
  const shown = names.slice(0, NAMES_SHOWN).map((name) => `    ${label}: ${name}`);
  return more > 0 ? [...shown, `    ${label}: ${more} more (--json names all)`] : shown;
}

function describeScheduler({ kind, flowShift, trainTimesteps }: SchedulerConfig): string {
  return `${SCHEDULERS[kind]}: shift ${flowShift}, ${trainTimesteps} training timesteps`;
}

function describeCut({ stages, slices }: Cut): string {
  const largest = Math.max(...slices.map(({ weightBytes }) => weightBytes));
  return `  ${stages} stage${stages === 1 ? ' ' : 's'}       ${gigabytes(largest)} of weights in the largest`;
}

function describeStages({ slices }: Cut): readonly string[] {
  return slices.map(({ firstLayer, endLayer, weightBytes }, stage) => {
    const label = `  stage ${stage}`.padEnd(17);
    const layers = `layers ${firstLayer}–${endLayer - 1}`;
    return `${label}${layers}: ${gigabytes(weightBytes)} of weights (${weightBytes} bytes)`;
  });
}

function bytesOf({ dtypes }: Pick<ComponentSurvey, 'dtypes'>): number {
  return sum(Object.values(dtypes));
}

function gigabytes(bytes: number): string {
  return bytes < 1e8 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
