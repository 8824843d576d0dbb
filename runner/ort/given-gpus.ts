/** Values of `NVIDIA_VISIBLE_DEVICES`, set by a cluster's device plugin (uuids, indices or a folder), `docker run` or the image, that give nothing. */
const GIVES_NOTHING = ['', 'void', 'none'];
/** What images say: what may be seen, not what was given. */
const MAY_BE_SEEN = 'all';
/**
 * First entries of `CUDA_VISIBLE_DEVICES`, set by a person or a batch system, that give nothing: at the first number that is none
 * CUDA stops reading. Other words, by which CUDA sees nothing either, are taken for a GPU that somebody meant.
 */
const HIDES_ALL = /^(|-\d+|none|void|nodevfiles)$/;
const SHOWN_CHARACTERS = 100;

/**
 * What says that this process was given GPUs, such as `NVIDIA_VISIBLE_DEVICES=GPU-…`; undefined where nothing does. Such a
 * process must compute on them. `deviceFiles`: names under `/dev`. They count in a pod only, where the container device
 * interface sets no variable: on a machine of one's own they are there for any card.
 */
export function givenGpus(environment: NodeJS.ProcessEnv, deviceFiles: readonly string[]): string | undefined {
  const nvidia = listIn(environment.NVIDIA_VISIBLE_DEVICES);
  if (![...GIVES_NOTHING, MAY_BE_SEEN].includes(nvidia.toLowerCase()))
    return `NVIDIA_VISIBLE_DEVICES=${shortened(nvidia)}`;
  const cuda = listIn(environment.CUDA_VISIBLE_DEVICES);
  if (!HIDES_ALL.test(cuda.split(',')[0]!.toLowerCase())) return `CUDA_VISIBLE_DEVICES=${shortened(cuda)}`;
  if (!environment.KUBERNETES_SERVICE_HOST) return undefined;
  const file = deviceFiles.find((name) => /^nvidia\d+$/.test(name));
  return file === undefined ? undefined : `the device file /dev/${file}`;
}

/** What says that GPUs may be seen here, which nobody has given; undefined where nothing does. */
export function maySeeGpus(environment: NodeJS.ProcessEnv): string | undefined {
  const isAll = listIn(environment.NVIDIA_VISIBLE_DEVICES).toLowerCase() === MAY_BE_SEEN;
  return isAll ? 'NVIDIA_VISIBLE_DEVICES=all lets it see every GPU' : undefined;
}

function listIn(value = ''): string {
  return value.replaceAll(/[\s,]+/g, ',').replaceAll(/^,|,$/g, '');
}

function shortened(value: string): string {
  return value.length <= SHOWN_CHARACTERS ? value : `${value.slice(0, SHOWN_CHARACTERS)}…`;
}
