import type { VideoGenerationSpec } from '#contract/resource-spec.ts';
import { PROGRESS_AUDIENCE } from '../api/labels.ts';
import { FROZEN_MOUNT, MODEL_MOUNT, OUTPUT_MOUNT, TOKEN_FILE, TOKEN_MOUNT } from './names.ts';

/** The kubelet renews the token well before it ends. */
const TOKEN_SECONDS = 3600;

interface Mounted {
  readonly volume: object;
  readonly mount: object;
}

/** Volumes of the pod and where the runner sees them. */
export function podVolumes(spec: VideoGenerationSpec, configMap: string, reports: boolean) {
  const all = [
    model(spec),
    output(spec),
    mounted('job', { configMap: { name: configMap } }, FROZEN_MOUNT, true),
    mounted('tmp', { emptyDir: {} }, '/tmp', false),
    ...(reports ? [mounted('token', { projected: { sources: [progressToken] } }, TOKEN_MOUNT, true)] : []),
  ];
  return { volumes: all.map((one) => one.volume), mounts: all.map((one) => one.mount) };
}

/** Proves to the operator which pod reports; of its own audience, so that it opens nothing else. */
const progressToken = {
  serviceAccountToken: { audience: PROGRESS_AUDIENCE, expirationSeconds: TOKEN_SECONDS, path: TOKEN_FILE },
};

function model({ model: { source } }: VideoGenerationSpec): Mounted {
  const { persistentVolumeClaim, image, hostPath } = source;
  if (persistentVolumeClaim !== undefined) return mounted('model', claim(persistentVolumeClaim), MODEL_MOUNT, true);
  if (image !== undefined) {
    const { reference, pullPolicy } = image;
    return mounted('model', { image: { reference, pullPolicy } }, MODEL_MOUNT, true);
  }
  return mounted('model', { hostPath: { path: hostPath?.path ?? '', type: 'Directory' } }, MODEL_MOUNT, true);
}

function output({ output: { persistentVolumeClaim } }: VideoGenerationSpec): Mounted {
  return mounted('output', claim(persistentVolumeClaim), OUTPUT_MOUNT, false);
}

function claim({ claimName }: { readonly claimName: string }): object {
  return { persistentVolumeClaim: { claimName } };
}

/** Read-only is said of the mount, not of the volume: a claim may hold models and take films in one pod. */
function mounted(name: string, source: object, mountPath: string, readOnly: boolean): Mounted {
  return { volume: { name, ...source }, mount: { name, mountPath, ...(readOnly ? { readOnly } : {}) } };
}
