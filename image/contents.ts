/** What is in the images: the one list that `Containerfile`, `build.ts` and the tests follow. */
import { cudaEnvironment } from './cuda-contents.ts';

/** `runner` computes on the processor, `runner-cuda` on GPUs too. */
export const imageNames = ['operator', 'runner', 'runner-cuda'] as const;
export type ImageName = (typeof imageNames)[number];

export const debianRelease = 'bookworm';

/** Documentation that Debian's own container images leave out as well. */
export const excludedPaths = [
  '/usr/share/doc/*',
  '/usr/share/info/*',
  '/usr/share/locale/*',
  '/usr/share/man/*',
] as const;

/** User and group of the programs. */
export const imageUser = 65532;

/** The runner as a command in its containers. */
export const COMMAND = '/usr/local/bin/dualparal';

/** One of the two programs, with all that it stands on. */
export interface ProgramContents {
  /** Debian packages on top of the release's minimal system. */
  readonly debianPackages: readonly string[];
  /** npm packages that its sources import; what these need comes along. */
  readonly npmPackages: readonly string[];
  /** npm packages of which files are used and no JavaScript: what they need stays away. */
  readonly npmFilesOnly: readonly string[];
  /** Parts of the npm packages that only another machine, or a laptop, would use; below `node_modules`. */
  readonly pruned: readonly string[];
  /** Parts of the repository, below `/app`. */
  readonly sources: readonly string[];
  /** What the container runs, after tini. */
  readonly entry: readonly string[];
  readonly words: readonly string[];
}

export const operatorContents: ProgramContents = {
  debianPackages: ['ca-certificates', 'tini'],
  npmPackages: ['@kubernetes/client-node', '@prometheus-io/client', 'pino', 'undici', 'zod'],
  npmFilesOnly: [],
  pruned: [],
  sources: ['LICENSE', 'package.json', 'operator', 'runner/contract'],
  entry: ['node', '/app/operator/main.ts'],
  words: [],
};

export const runnerContents: ProgramContents = {
  debianPackages: ['ca-certificates', 'ffmpeg', 'tini'],
  npmPackages: [
    'commander',
    'entities',
    'koffi',
    'log-update',
    'onnxruntime-node',
    'pino',
    'string-width',
    'yaml',
    'zod',
  ],
  npmFilesOnly: ['onnxruntime-node'],
  pruned: [
    'koffi/doc',
    'koffi/vendor',
    'onnxruntime-node/bin/napi-v6/darwin',
    'onnxruntime-node/bin/napi-v6/linux/arm64',
    'onnxruntime-node/bin/napi-v6/win32',
  ],
  sources: ['LICENSE', 'package.json', 'runner'],
  entry: [COMMAND],
  words: ['--help'],
};

/** The program of an image. */
export function contentsOf(name: ImageName): ProgramContents {
  return name === 'operator' ? operatorContents : runnerContents;
}

/** How a container of the image starts. */
export function settingsOf(name: ImageName) {
  const { entry, words } = contentsOf(name);
  return {
    Entrypoint: ['/usr/bin/tini', '--', ...entry],
    Cmd: words,
    Env: [
      'PATH=/usr/local/bin:/usr/bin:/bin',
      'HOME=/tmp',
      'NODE_ENV=production',
      ...(name === 'runner-cuda' ? cudaEnvironment : []),
    ],
    User: `${imageUser}:${imageUser}`,
    WorkingDir: '/app',
  };
}

/** Programs that no image may have: whoever gets into a container finds no interpreter or compiler of theirs. */
export const forbiddenPrograms = /^(python[\d.]*|gcc.*|g\+\+.*|cc|c\+\+|clang.*|make|ld|npm|npx|go|rustc)$/;

/** Files that no program reads: tests, their data, and pages for people. `.containerignore` says the same. */
export function isLeftOut(path: string): boolean {
  return /\.test\.ts$|\.md$|(^|\/)golden(\/|$)/.test(path);
}

/** Files of npm packages that only compilers and debuggers read. */
export function isForTools(path: string): boolean {
  return /\.d\.[cm]?ts$|\.map$/.test(path);
}
