import { join } from 'node:path';
import { type ErrorRecord, toErrorRecord } from '#contract/error.ts';
import { parseTextEncoderConfig, parseTransformerConfig, parseVaeConfig } from '../model/component-configs.ts';
import { COMPONENTS, type ModelConfig } from '../model/config.ts';
import { publishedName } from '../model/known-models.ts';
import { type ModelIndex, parseModelIndex } from '../model/parse-config.ts';
import { parseSchedulerConfig } from '../model/scheduler-config.ts';
import { checksumErrors } from './checksums.ts';
import { type Component, textEncoderComponent, transformerComponent, vaeComponent } from './components.ts';
import { readJsonFile } from './model-file.ts';
import { readModelIndex, realFolder } from './model-folder.ts';
import { readModelConfig } from './open-model.ts';
import { type ComponentFolder, type ComponentSurvey, collect, surveyComponent } from './survey.ts';

/** A model folder as it is, with everything that keeps it from running. */
export interface ModelInspection {
  /** Real path. */
  readonly folder: string;
  /** The published model that has these sizes, if one has. */
  readonly name: string | null;
  /** Null when some config cannot be read, or they do not fit together. */
  readonly config: ModelConfig | null;
  readonly components: readonly ComponentSurvey[];
  /** Parameters of all components. */
  readonly parameters: number;
  /** In the order in which they were met; none when the model can run, but for data that header-only files lack. */
  readonly problems: readonly ErrorRecord[];
}

export interface InspectOptions {
  /** Also compare every file with the sums in the folder's `sha256sums`. */
  readonly verify?: boolean;
  /** Hears of each file before it is read for that. */
  readonly onFile?: (file: string) => void;
}

/**
 * Looks at a model folder without opening it: reads configs and headers, goes on past what is wrong or missing, and says so
 * by name. Throws only when it is not a model folder that this program knows (`E_MODEL_FOLDER`, `E_MODEL_FILE`,
 * `E_MODEL_UNSUPPORTED`, `E_MODEL_CONFIG` of its `model_index.json`).
 */
export function inspectModel(modelFolder: string, { verify = false, onFile }: InspectOptions = {}): ModelInspection {
  const folder = realFolder(modelFolder);
  const index = parseModelIndex(readModelIndex(folder));
  const problems: ErrorRecord[] = [];
  const asked = readComponents(folder, index, problems);
  // Whether the configs fit together is asked only when each of them can be read.
  const config = problems.length === 0 ? collect(problems, () => readModelConfig(folder)) : null;
  const components = asked.map(([name, component]) => surveyComponent(folder, name, component));
  problems.push(...components.flatMap((survey) => survey.problems));
  if (verify) problems.push(...verifyProblems(folder, index.twoExperts, onFile));
  const parameters = components.reduce((sum, survey) => sum + survey.parameters, 0);
  return { folder, name: config && publishedName(config), config, components, parameters, problems };
}

function verifyProblems(folder: string, twoExperts: boolean, onFile: InspectOptions['onFile']): readonly ErrorRecord[] {
  const problems: ErrorRecord[] = [];
  collect(problems, () => {
    for (const error of checksumErrors(folder, twoExperts, onFile)) problems.push(toErrorRecord(error));
  });
  return problems;
}

/** What each component's config asks of its files; null for a config that cannot be read. */
function readComponents(
  folder: string,
  index: ModelIndex,
  problems: ErrorRecord[],
): readonly (readonly [ComponentFolder, Component | null])[] {
  const read = <T>(file: string, parse: (json: unknown, file: string) => T) =>
    collect(problems, () => parse(readJsonFile(join(folder, file), file), file));
  const transformer = read(COMPONENTS.transformer, (json, file) =>
    transformerComponent(parseTransformerConfig(json, file)),
  );
  const second = () =>
    read(COMPONENTS.transformer2, (json, file) =>
      transformerComponent(parseTransformerConfig(json, file), 'transformer_2'),
    );
  const text = read(COMPONENTS.text, (json, file) => textEncoderComponent(parseTextEncoderConfig(json, file)));
  const vae = read(COMPONENTS.vae, (json, file) => vaeComponent(parseVaeConfig(json, file)));
  read(COMPONENTS.scheduler, (json, file) => parseSchedulerConfig(json, index.schedulerClass, file));
  return [
    ['transformer', transformer],
    ...(index.twoExperts ? [['transformer_2', second()] as const] : []),
    ['text_encoder', text],
    ['vae', vae],
  ];
}
