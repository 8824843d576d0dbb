/** What is in the image: the one list that `Containerfile` and `build.ts` follow. */

export const debianRelease = 'bookworm';

/** Debian packages on top of the release's minimal system. */
export const imagePackages = ['ca-certificates', 'ffmpeg', 'tini'] as const;

/** Documentation that Debian's own container images leave out as well. */
export const excludedPaths = [
  '/usr/share/doc/*',
  '/usr/share/info/*',
  '/usr/share/locale/*',
  '/usr/share/man/*',
] as const;

/** User and group of the program. */
export const imageUser = 65532;

/** Parts of the repository that the program is made of, below `/app`. */
export const sourceEntries = ['LICENSE', 'package.json', 'runner', 'operator', 'crds'] as const;

/** Parts of the production dependencies that only another machine, or a laptop, would use; below `node_modules`. */
export const prunedDependencies = [
  '@ffmpeg-installer',
  'koffi/doc',
  'koffi/vendor',
  'onnxruntime-node/bin/napi-v6/darwin',
  'onnxruntime-node/bin/napi-v6/linux/arm64',
  'onnxruntime-node/bin/napi-v6/win32',
] as const;

export const imageSettings = {
  Entrypoint: ['/usr/bin/tini', '--', '/usr/local/bin/dualparal'],
  Cmd: ['--help'],
  Env: ['PATH=/usr/local/bin:/usr/bin:/bin', 'HOME=/tmp', 'NODE_ENV=production'],
  User: `${imageUser}:${imageUser}`,
  WorkingDir: '/app',
} as const;

/** Programs that the image must not have: whoever gets into a container finds no interpreter or compiler of theirs. */
export const forbiddenPrograms = /^(python[\d.]*|gcc.*|g\+\+.*|cc|c\+\+|clang.*|make|ld|npm|npx|go|rustc)$/;

/** Files that the program does not read: tests, their data, and pages for people. `.containerignore` says the same. */
export function isLeftOut(path: string): boolean {
  return /\.test\.ts$|\.md$|(^|\/)golden(\/|$)/.test(path);
}
