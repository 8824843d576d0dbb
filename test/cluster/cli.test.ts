import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { renderStatus } from './status.ts';

function run(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(import.meta.dirname, 'cli.ts'), ...args], {
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

test.each<[string[], number, RegExp]>([
  [['--help'], 0, /^A real Kubernetes/],
  [['up', '--help'], 0, /^A real Kubernetes/],
  [[], 2, /^A real Kubernetes/],
  [['fly'], 2, /^E_CLUSTER_USAGE: there is no command 'fly'/],
  [['up', '--gpus', 'many'], 2, /^E_CLUSTER_USAGE: --gpus takes a whole number/],
  [['up', '--frob'], 2, /^E_CLUSTER_USAGE: Unknown option '--frob'/],
  [['status', '--name', '../x'], 2, /^E_CLUSTER_USAGE: '\.\.\/x' is no name of a cluster/],
  [['--name', 'never-up', 'kubectl', 'get', 'pods'], 2, /^E_CLUSTER_DOWN: no cluster named never-up is up/],
  [['logs', '--name', 'never-up'], 2, /^E_CLUSTER_DOWN/],
  [['load', '--name', 'never-up'], 2, /^E_CLUSTER_USAGE: load takes an existing tar file/],
  [['status', '--name', 'never-up'], 2, /^cluster never-up is down\n/],
])('%j ends with %i', (args, status, text) => {
  const result = run(...args);
  expect(result.status).toBe(status);
  expect(result.stdout + result.stderr).toMatch(text);
});

test('status as JSON is one line that says what runs', () => {
  const { stdout } = run('status', '--name', 'never-up', '--json');
  expect(JSON.parse(stdout)).toMatchObject({ name: 'never-up', phase: 'down', up: false, node: null });
});

test('a person sees components that do not run and the names of other clusters', () => {
  const components = [
    { name: 'etcd', running: true, residentBytes: 44e6 },
    { name: 'kubelet', running: false, residentBytes: 0 },
  ];
  const status = {
    name: 'a',
    phase: 'broken',
    up: false,
    folder: '',
    kubeconfig: null,
    node: null,
    components,
  } as const;
  expect(renderStatus(status, ['a', 'b'])).toBe(
    'cluster a is broken\n  etcd                     44 MB\n  kubelet                  not running\nother clusters: b\n',
  );
});
