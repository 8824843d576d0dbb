import { type DeviceSurvey, type JudgedGpu, surveyDevices } from '../devices.ts';
import { printJson, printLines } from './print.ts';

/** Says what this machine can compute on. Having no GPU, or none that can be used, is no failure. */
export async function devicesCommand({ json }: { readonly json?: boolean }): Promise<void> {
  const survey = await surveyDevices(process.env);
  if (json === true) printJson(survey, 2);
  else printLines(describeDevices(survey));
}

/** The survey as a person reads it: what is there, why it cannot be used, and where a film would be computed. */
export function describeDevices(survey: DeviceSurvey): readonly string[] {
  const { gpus, standIns, problem, memoryProblem } = survey;
  // A film that fails says the same at the end.
  const isWorthSaying = problem !== null && survey.error === null && !USUAL.includes(problem.code);
  return [
    ...(gpus.length === 0 ? [] : [describeDriver(survey), ...table(gpus, problem === null)]),
    ...(isWorthSaying ? [`no GPU can be used: ${problem.code}: ${problem.message}`] : []),
    ...(memoryProblem === null ? [] : [`free memory (?) is not known, and taken as all of it: ${memoryProblem}`]),
    ...(standIns.length === 0 ? [] : [`stand-ins (DUALPARAL_STANDIN_GPUS): ${standIns.join(', ')}`]),
    verdict(survey),
  ];
}

function describeDriver({ driver }: DeviceSurvey): string {
  const { version, cudaVersion } = driver;
  const cuda =
    cudaVersion === null ? '' : `, CUDA ${Math.floor(cudaVersion / 1000)}.${Math.floor((cudaVersion % 1000) / 10)}`;
  return `NVIDIA driver${version === null ? '' : ` ${version}`}${cuda}`;
}

/** What most machines are like: nothing to be said of it. */
const USUAL: readonly string[] = ['E_DEVICE_DRIVER', 'E_DEVICE_NONE'];

const HEADINGS = ['device', 'name', 'uuid', 'capability', 'free of total', 'reaches', 'usable'] as const;

/** Columns as wide as their widest word; where reasons are the GPUs' own, each stands in a line below its GPU. */
function table(gpus: readonly JudgedGpu[], withReasons: boolean): readonly string[] {
  const rows = [HEADINGS, ...gpus.map(rowOf)];
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
  return lines.flatMap((line, row) => {
    const problem = withReasons ? gpus[row - 1]?.problem : undefined;
    return problem ? [line, `  ${problem.code}: ${problem.message}`] : [line];
  });
}

function rowOf({
  index,
  name,
  uuid,
  major,
  minor,
  totalBytes,
  freeBytes,
  peers,
  problem,
}: JudgedGpu): readonly string[] {
  const free = freeBytes === null ? '?' : gibibytes(freeBytes);
  return [
    `cuda:${index}`,
    name,
    uuid,
    `${major}.${minor}`,
    `${free} of ${gibibytes(totalBytes)} GiB`,
    peers.length === 0 ? '-' : peers.join(', '),
    problem === null ? 'yes' : 'no',
  ];
}

function verdict({ gpus, standIns, given, cores, chosen, error }: DeviceSurvey): string {
  const processor = `films are computed on the processor (${cores} core${cores === 1 ? '' : 's'})`;
  if (error !== null) return `a film would fail here: ${error.code}: ${error.message}`;
  if (standIns.length > 0) return processor;
  if (chosen?.startsWith('cuda'))
    return `films are computed on ${gpus.filter(({ problem }) => problem === null).length} of ${gpus.length} GPUs`;
  const wanted = given === null ? '' : ` (given: ${given})`;
  return `${gpus.length === 0 ? 'no GPU' : 'no GPU is used'}${wanted}: ${processor}`;
}

function gibibytes(bytes: number): string {
  return (bytes / 2 ** 30).toFixed(1);
}
