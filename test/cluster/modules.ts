/**
 * What the test bed builds from Go modules: one record per module, its commands and flags, and the key under which
 * the results are cached. A key names all that a binary depends on, so a cached binary is never a stale one.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface GoCommand {
  /** File name of the result, as it is called on a command line. */
  readonly binary: string;
  /** Import path of its main package. */
  readonly package: string;
}

export interface GoModule {
  /** Folder below `modules/`, which holds `go.mod`, `go.sum` and the sources of our own. */
  readonly name: string;
  readonly commands: readonly GoCommand[];
  readonly tags: readonly string[];
  /** `-X` assignments of the linker. Unset, Kubernetes calls itself v0.0.0 and refuses its own components. */
  readonly variables: Readonly<Record<string, string>>;
}

export interface SourceFile {
  /** Relative to the module's folder. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

export const kubernetesVersion = 'v1.36.3';
const containerdVersion = 'v2.2.6';
const helmVersion = 'v4.3.1';
const buildDate = '2026-01-01T00:00:00Z';

function kubernetesVariables(): Record<string, string> {
  const [major = '', minor = ''] = kubernetesVersion.slice(1).split('.');
  const values = {
    gitVersion: kubernetesVersion,
    gitMajor: major,
    gitMinor: minor,
    gitCommit: '0'.repeat(40),
    gitTreeState: 'clean',
    buildDate,
  };
  const variables: Record<string, string> = {};
  for (const packagePath of ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version']) {
    for (const [key, value] of Object.entries(values)) variables[`${packagePath}.${key}`] = value;
  }
  return variables;
}

function kubernetesCommand(binary: string): GoCommand {
  return { binary, package: `k8s.io/kubernetes/cmd/${binary}` };
}

function containerdCommand(binary: string): GoCommand {
  return { binary, package: `github.com/containerd/containerd/v2/cmd/${binary}` };
}

/** In the order in which they are built: what the others wait for comes first. */
export const goModules: readonly GoModule[] = [
  {
    name: 'etcd',
    commands: [{ binary: 'etcd', package: 'go.etcd.io/etcd/server/v3' }],
    tags: [],
    variables: {},
  },
  {
    name: 'kubernetes',
    commands: ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubectl', 'kubelet', 'kube-proxy'].map(
      kubernetesCommand,
    ),
    tags: [],
    variables: kubernetesVariables(),
  },
  {
    name: 'containerd',
    commands: ['containerd', 'containerd-shim-runc-v2', 'ctr'].map(containerdCommand),
    tags: ['no_btrfs', 'no_devmapper', 'no_zfs'],
    variables: { 'github.com/containerd/containerd/v2/version.Version': containerdVersion },
  },
  {
    name: 'helm',
    commands: [{ binary: 'helm', package: 'helm.sh/helm/v4/cmd/helm' }],
    tags: [],
    variables: { 'helm.sh/helm/v4/internal/version.version': helmVersion },
  },
  {
    name: 'stand-in',
    commands: [
      { binary: 'stand-in-device-plugin', package: './device-plugin' },
      { binary: 'stand-in-dns', package: './dns' },
      { binary: 'pause', package: './pause' },
    ],
    tags: [],
    variables: {},
  },
];

/** Arguments of `go build` but for the output and the package. */
export function buildArguments(module: GoModule): string[] {
  const variables = Object.entries(module.variables).map(([name, value]) => `-X ${name}=${value}`);
  return [
    'build',
    '-mod=readonly',
    '-trimpath',
    '-buildvcs=false',
    ...(module.tags.length > 0 ? ['-tags', module.tags.join(' ')] : []),
    '-ldflags',
    ['-s -w', ...variables].join(' '),
  ];
}

/** Environment that changes what is built. */
export const buildEnvironment: Readonly<Record<string, string>> = {
  CGO_ENABLED: '0',
  GOFLAGS: '',
  GOWORK: 'off',
};

/** Folder name under which the module's binaries are cached; `goVersion` and `platform` as `go env` says them. */
export function moduleKey(
  module: GoModule,
  goVersion: string,
  platform: string,
  sources: readonly SourceFile[],
): string {
  const hash = createHash('sha256');
  hash.update(JSON.stringify([goVersion, platform, buildEnvironment, buildArguments(module), module.commands]));
  for (const file of [...sources].sort((a, b) => (a.path < b.path ? -1 : 1))) {
    hash.update(`\0${file.path}\0${file.bytes.length}\0`);
    hash.update(file.bytes);
  }
  return `${module.name}-${hash.digest('hex').slice(0, 20)}`;
}

/** The files of a module's folder that a build reads: `go.mod`, `go.sum` and Go sources but for tests. */
export function readSources(folder: string): SourceFile[] {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return names
    .filter((name) => /(^|\/)go\.(mod|sum)$|\.go$/.test(name) && !name.endsWith('_test.go'))
    .map((path) => ({ path, bytes: readFileSync(join(folder, path)) }));
}
