/** Values that give nothing. `all` is what images say: what may be seen, not what was given. */
const GIVES_NOTHING: Readonly<Record<string, readonly string[]>> = {
  // Set by the device plugin of a cluster (uuids, indices or a folder), by `docker run`, or by the image.
  NVIDIA_VISIBLE_DEVICES: ['', 'void', 'none', 'all'],
  // Set by a person or a batch system, which says `NoDevFiles` for none.
  CUDA_VISIBLE_DEVICES: ['', '-1', 'nodevfiles'],
};
const SHOWN_CHARACTERS = 100;

/**
 * What says that this process was given GPUs, such as `NVIDIA_VISIBLE_DEVICES=GPU-…`; undefined where nothing does. Such a
 * process must compute on them. `deviceFiles`: names under `/dev`. They count in a pod only, where the container device
 * interface sets no variable: on a machine of one's own they are there for any card.
 */
export function givenGpus(environment: NodeJS.ProcessEnv, deviceFiles: readonly string[]): string | undefined {
  for (const [variable, nothing] of Object.entries(GIVES_NOTHING)) {
    const value = (environment[variable] ?? '').replaceAll(/[\s,]+/g, ',').replaceAll(/^,|,$/g, '');
    if (!nothing.includes(value.toLowerCase())) return `${variable}=${shortened(value)}`;
  }
  if (!environment.KUBERNETES_SERVICE_HOST) return undefined;
  const file = deviceFiles.find((name) => /^nvidia\d+$/.test(name));
  return file === undefined ? undefined : `the device file /dev/${file}`;
}

function shortened(value: string): string {
  return value.length <= SHOWN_CHARACTERS ? value : `${value.slice(0, SHOWN_CHARACTERS)}…`;
}
