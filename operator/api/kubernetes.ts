/**
 * The parts of Kubernetes' own objects that we read and write, as plain records.
 * Everything that the API server may leave out is optional here, whatever its documentation promises.
 */
export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly deletionGracePeriodSeconds?: number;
  readonly finalizers?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly OwnerReference[];
}

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
}

/** A condition of any object, Kubernetes' or ours. */
export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason?: string;
  readonly message?: string;
  readonly observedGeneration?: number;
  readonly lastTransitionTime?: string;
}

export interface Job {
  readonly apiVersion: 'batch/v1';
  readonly kind: 'Job';
  readonly metadata: ObjectMeta;
  readonly spec: JobSpecObject;
  readonly status?: {
    readonly conditions?: readonly Condition[];
    readonly startTime?: string;
    readonly active?: number;
  };
}

export interface JobSpecObject {
  readonly backoffLimit?: number;
  readonly completions?: number;
  readonly parallelism?: number;
  readonly podReplacementPolicy?: 'Failed' | 'TerminatingOrFailed';
  readonly podFailurePolicy?: { readonly rules: readonly PodFailureRule[] };
  readonly suspend?: boolean;
  /** What its pods are made from: in Jobs that are made here, but not in those that were seen. */
  readonly template?: { readonly metadata: Partial<ObjectMeta>; readonly spec: PodSpec };
}

/** A Job to be made. */
export type NewJob = Job & { readonly spec: Required<Pick<JobSpecObject, 'template'>> };

export interface PodFailureRule {
  readonly action: 'FailJob' | 'Ignore' | 'Count';
  readonly onExitCodes?: {
    readonly containerName: string;
    readonly operator: 'In' | 'NotIn';
    readonly values: readonly number[];
  };
  readonly onPodConditions?: readonly { readonly type: string; readonly status: string }[];
}

export interface Pod {
  readonly apiVersion: 'v1';
  readonly kind: 'Pod';
  readonly metadata: ObjectMeta;
  readonly spec?: { readonly nodeName?: string };
  readonly status?: PodStatus;
}

export interface PodStatus {
  readonly phase?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly startTime?: string;
  readonly conditions?: readonly Condition[];
  readonly initContainerStatuses?: readonly ContainerStatus[];
  readonly containerStatuses?: readonly ContainerStatus[];
}

export interface ContainerStatus {
  readonly name: string;
  readonly state?: {
    readonly waiting?: { readonly reason?: string; readonly message?: string };
    readonly running?: { readonly startedAt?: string };
    readonly terminated?: ContainerEnd;
  };
  /** How the devices are that it was given, where the cluster says so (KEP-4680, feature gate `ResourceHealthStatus`). */
  readonly allocatedResourcesStatus?: readonly ResourceStatus[];
}

export interface ResourceStatus {
  /** `nvidia.com/gpu`; of a claim `claim:NAME/REQUEST`. */
  readonly name: string;
  readonly resources?: readonly {
    readonly resourceID: string;
    readonly health?: 'Healthy' | 'Unhealthy' | 'Unknown';
    readonly message?: string;
  }[];
}

export interface ContainerEnd {
  readonly exitCode: number;
  readonly signal?: number;
  readonly reason?: string;
  readonly message?: string;
  readonly startedAt?: string;
  readonly finishedAt?: string;
}

/** Only what our pods use; written by `job/pod.ts`. */
export interface PodSpec {
  readonly restartPolicy: 'Never';
  readonly automountServiceAccountToken: boolean;
  readonly enableServiceLinks: boolean;
  readonly terminationGracePeriodSeconds: number;
  readonly serviceAccountName?: string;
  readonly priorityClassName?: string;
  readonly runtimeClassName?: string;
  readonly imagePullSecrets?: readonly { readonly name: string }[];
  readonly nodeSelector?: Readonly<Record<string, string>>;
  readonly affinity?: object;
  readonly topologySpreadConstraints?: readonly object[];
  readonly tolerations?: readonly object[];
  readonly resourceClaims?: readonly { readonly name: string; readonly resourceClaimTemplateName: string }[];
  readonly securityContext: object;
  readonly containers: readonly Container[];
  readonly volumes: readonly object[];
}

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly imagePullPolicy: string;
  readonly command: readonly string[];
  readonly env: readonly object[];
  readonly resources: {
    readonly requests: Readonly<Record<string, string>>;
    readonly limits: Readonly<Record<string, string>>;
    readonly claims?: readonly { readonly name: string }[];
  };
  readonly securityContext: object;
  readonly terminationMessagePath: string;
  readonly terminationMessagePolicy: string;
  readonly volumeMounts: readonly object[];
}

/** What Kueue knows of a Job that waits in a queue of it. */
export interface Workload {
  readonly metadata: ObjectMeta;
  readonly status?: { readonly conditions?: readonly Condition[] };
}

export interface ConfigMap {
  readonly apiVersion: 'v1';
  readonly kind: 'ConfigMap';
  readonly metadata: ObjectMeta;
  readonly immutable: boolean;
  readonly data: Readonly<Record<string, string>>;
}

/** A Kubernetes event, as far as it explains why an object does not get on. */
export interface ObjectEvent {
  readonly metadata: ObjectMeta;
  readonly involvedObject: {
    readonly kind?: string;
    readonly namespace?: string;
    readonly name?: string;
    readonly uid?: string;
  };
  readonly reason?: string;
  readonly message?: string;
  readonly lastTimestamp?: string | null;
  readonly eventTime?: string | null;
  readonly series?: { readonly lastObservedTime?: string };
}

/** The reference that makes `owner` the one controller of an object, so that it goes when the owner goes. */
export function controllerReference(owner: {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
}): OwnerReference {
  const { apiVersion, kind, name, uid } = owner;
  return { apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: true };
}

/** Status of a condition by its type. */
export function conditionIs(conditions: readonly Condition[] | undefined, type: string, status: string): boolean {
  return conditions?.some((condition) => condition.type === type && condition.status === status) ?? false;
}
