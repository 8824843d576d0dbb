import { readFileSync } from 'node:fs';
import { type CodedError, toErrorRecord } from '#contract/error.ts';
import { type JobSpec, jobSpecSchema } from '#contract/job-spec.ts';
import { type MemoryPlan, type PlannedUses, planMemory } from './memory-plan.ts';
import type { Device } from './ort/device.ts';
import type { CutOptions } from './plan/cut-by-time.ts';
import { type MemoryRoom, memoryRoom } from './plan/machine-memory.ts';
import type { Plan } from './plan/plan.ts';
import { fitting, type Place, remediesOf } from './plan/remedies.ts';
import { type MemoryNeed, memoryError, shortage } from './plan/verdict.ts';
import type { Model } from './weights/open-model.ts';

/** A film whose memory is to be checked. */
export interface CheckedFilm {
  readonly spec: JobSpec;
  readonly plan: Plan;
  readonly memory: MemoryPlan;
  readonly model: Model;
  readonly devices: readonly Device[];
  /** Those of so many stages; undefined where nobody could give them. */
  readonly devicesFor: (stages: number) => readonly Device[] | undefined;
  /** Plans another specification of the film on its devices. */
  readonly replan: (spec: JobSpec, devices: readonly Device[], options: CutOptions) => Plan;
}

/** Beside the film's process: what watches it, and what encodes its pictures. */
const PARENT_BYTES = 75e6;
const ENCODER_BYTES = 40e6;
const ENCODER_BYTES_PER_PIXEL = 150;

/** Whether a film's memory is there, as far as anybody tells. */
export function hasRoom(
  { spec, plan, memory, devices }: Pick<CheckedFilm, 'spec' | 'plan' | 'memory' | 'devices'>,
  room: MemoryRoom | undefined = thisRoom(),
): boolean {
  return shortage(needsOf(spec, plan, memory, devices, room)) === undefined;
}

/** The error of a film whose memory is not there, with what would fit; undefined where all fits or nobody tells what there is. */
export function memoryProblem(film: CheckedFilm, room: MemoryRoom | undefined = thisRoom()): CodedError | undefined {
  const { spec, plan, memory, model, devices } = film;
  const missing = shortage(needsOf(spec, plan, memory, devices, room));
  if (missing === undefined) return undefined;
  const [device] = devices;
  const { kind } = device!;
  const mostStages = (spec.parallelism.guidanceParallel ? 2 : 1) * model.config.transformer.layers;
  const place: Place = kind === 'cuda' ? { kind, mostStages } : { kind };
  const known: PlannedUses = new Map();
  const fitsIn = (of: (device: Device) => Device) => (changed: JobSpec) => {
    // What the rules refuse, or what is not there, is nothing that anybody could do.
    const others = film.devicesFor(changed.parallelism.gpus)?.map(of);
    if (others === undefined || !jobSpecSchema.safeParse(changed).success) return false;
    try {
      return [{}, { isUndivided: true }].some((options) => {
        const other = film.replan(changed, others, options);
        const need = planMemory(changed, other, model, kind, known);
        return hasRoom({ spec: changed, plan: other, memory: need, devices: others }, room);
      });
    } catch (error) {
      // What cannot be planned is no remedy; anything else is no error of the plan.
      if (toErrorRecord(error).code.startsWith('E_PLAN_')) return false;
      throw error;
    }
  };
  const groups = remediesOf(spec, place);
  const remedies = fitting(groups, fitsIn(withWhatIsFree));
  if (remedies.length > 0 || kind === 'cpu') return memoryError(missing, { remedies, isHeld: false });
  return memoryError(missing, {
    remedies: fitting(
      groups,
      fitsIn((device) => device),
    ),
    isHeld: true,
  });
}

/** A change is of use only where others leave as much as it needs. */
function withWhatIsFree(device: Device): Device {
  const { memoryBytes, memoryLimitBytes } = device;
  if (memoryBytes === undefined || memoryLimitBytes === undefined) return device;
  return { ...device, memoryBytes: Math.min(memoryBytes, memoryLimitBytes) };
}

/** GPUs that are there, and, where more may be asked for, as many as are missing: each as the one with the least memory. */
export function withMissing(devices: readonly Device[], count: number): readonly Device[] {
  const memoryOf = ({ memoryBytes = Number.POSITIVE_INFINITY }: Device) => memoryBytes;
  const least = devices.toSorted((a, b) => memoryOf(a) - memoryOf(b))[0]!;
  return Array.from({ length: count }, (_, stage) => devices[stage] ?? least);
}

function needsOf(
  { size }: JobSpec,
  { stages, decoderParts }: Plan,
  { processBytes, stageBytes }: MemoryPlan,
  devices: readonly Device[],
  room: MemoryRoom | undefined,
): readonly MemoryNeed[] {
  const encoder = ENCODER_BYTES + ENCODER_BYTES_PER_PIXEL * size.width * size.height;
  const host = { what: 'this film', need: processBytes + PARENT_BYTES + encoder };
  const ofDevices = stages.flatMap(({ firstLayer, endLayer }, stage): readonly MemoryNeed[] => {
    const { name: place, memoryBytes } = devices[stage]!;
    const decodes = decoderParts.some((part) => part.stage === stage);
    const decoder = decoderParts.length === 1 ? 'the decoder' : 'a part of the decoder';
    const what = `stage ${stage} (layers ${firstLayer}–${endLayer - 1}${decodes ? `, and ${decoder}` : ''})`;
    return memoryBytes === undefined ? [] : [{ what, place, need: stageBytes[stage]!, have: memoryBytes }];
  });
  return [...ofDevices, ...(room === undefined ? [] : [{ ...host, place: room.place, have: room.bytes, of: room.of }])];
}

/** What this process may take, with what it has taken already. */
function thisRoom(): MemoryRoom | undefined {
  const room = memoryRoom((path) => {
    try {
      return readFileSync(path, 'utf8');
    } catch {
      return undefined;
    }
  });
  return room === undefined ? undefined : { ...room, bytes: room.bytes + process.memoryUsage.rss() };
}
