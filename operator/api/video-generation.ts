import type { ObjectMeta } from './kubernetes.ts';
import type { VideoGenerationStatus } from './status.ts';

/** A rule that the API server evaluates (CEL) about the whole object, where it also sees the one before. */
interface RootRule {
  readonly rule: string;
  readonly message: string;
  /** Field that the message is about, where it is one below. */
  readonly fieldPath?: string;
}

/** Fields that a film is made from: they cannot change once a Job was started from them. */
export const GENERATING_FIELDS = [
  'prompt',
  'negativePrompt',
  'seed',
  'length',
  'size',
  'fps',
  'model',
  'sampling',
  'parallelism',
  'decoding',
  'output',
] as const;

/** Rules about the whole object. */
export const ROOT_RULES: readonly RootRule[] = [
  {
    rule: 'size(self.metadata.name) <= 63',
    message: 'metadata.name must have at most 63 characters',
  },
  ...GENERATING_FIELDS.map((field) => ({
    rule: `!has(oldSelf.status) || !has(oldSelf.status.startTime) || self.spec.${field} == oldSelf.spec.${field}`,
    message: 'cannot change once the film was started: make a new VideoGeneration',
    fieldPath: `.spec.${field}`,
  })),
  {
    // Two would make the film at once while they change places.
    rule: '!has(oldSelf.spec.managedBy) ? !has(self.spec.managedBy) : has(self.spec.managedBy) && self.spec.managedBy == oldSelf.spec.managedBy',
    message: 'cannot change: make a new VideoGeneration',
    fieldPath: '.spec.managedBy',
  },
];

/** A VideoGeneration as the API server gives it; its `spec` is checked before use. */
export interface VideoGeneration {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
  readonly spec?: unknown;
  readonly status?: VideoGenerationStatus;
}
