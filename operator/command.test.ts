import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { type ScriptedApiServer, startScriptedApiServer } from '../test/double/api-server.ts';

const MAIN = join(import.meta.dirname, 'main.ts');
const FLAGS = ['--runner-image', 'dualparal:test', '--progress-port', '0', '--health-port', '0'];
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'dualparal-operator-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function kubeconfigOf(server: string): string {
  const path = join(folder, 'kubeconfig');
  const named = { name: 'test' };
  writeFileSync(
    path,
    stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'test',
      clusters: [{ ...named, cluster: { server, 'insecure-skip-tls-verify': true } }],
      users: [{ ...named, user: {} }],
      contexts: [{ ...named, context: { cluster: 'test', user: 'test' } }],
    }),
  );
  return path;
}

/** Runs the operator; `whenLogged` is called once its output holds a text. */
async function run(args: readonly string[], kubeconfig: string, whenLogged?: [string, (kill: () => void) => void]) {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { ...process.env, KUBECONFIG: kubeconfig },
    stdio: 'pipe',
  });
  let output = '';
  let told = false;
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (whenLogged === undefined || told || !output.includes(whenLogged[0])) return;
      told = true;
      whenLogged[1](() => child.kill('SIGTERM'));
    });
  }
  const [code] = await once(child, 'close');
  return { code: code as number | null, output };
}

describe('the operator as a program', () => {
  it.each([
    [
      'without an image',
      [],
      '/dev/null',
      2,
      'E_OPERATOR_SETTINGS: --runner-image (DUALPARAL_RUNNER_IMAGE): is required; see --help\n',
    ],
    [
      'without a cluster',
      FLAGS,
      '/dev/null',
      2,
      /^E_KUBE_CONFIG: no Kubernetes cluster is configured \(.*\): set KUBECONFIG, .*\n$/,
    ],
  ] as const)('%s ends at once with one line', async (_what, args, kubeconfig, code, message) => {
    const ended = await run(args, kubeconfig);
    expect(ended.code).toBe(code);
    expect(ended.output).toMatch(message);
  });

  it('refuses to start where it may not keep its authority', async () => {
    const server = await startScriptedApiServer();
    server.on('GET', '/api/v1/namespaces/dualparal-system/secrets/dualparal-operator-progress', {
      status: 403,
      body: { message: 'secrets is forbidden' },
    });
    const { code, output } = await run(FLAGS, kubeconfigOf(server.origin));
    await server.close();
    expect(code).toBe(1);
    expect(output.split('\n').filter((line) => line.startsWith('E_'))).toEqual([
      'E_KUBE_CALL: the API server did not do what the operator cannot go on without: ' +
        'GET /api/v1/namespaces/dualparal-system/secrets/dualparal-operator-progress answered 403: secrets is forbidden',
    ]);
  });

  describe('on a server', () => {
    let server: ScriptedApiServer;
    const LEASES = '/apis/coordination.k8s.io/v1/namespaces/dualparal-system/leases';
    beforeAll(async () => {
      server = await startScriptedApiServer();
      const empty = { body: { metadata: { resourceVersion: '1' }, items: [] } };
      const kinds = [
        '/apis/dualparal.io/v1alpha1/videogenerations',
        '/apis/batch/v1/jobs',
        '/api/v1/pods',
        '/api/v1/events',
      ];
      for (const path of kinds) server.on('GET', path, empty);
      server.on('POST', '/api/v1/namespaces/dualparal-system/secrets', { status: 201, body: {} });
      const metadata = { name: 'dualparal-operator', namespace: 'dualparal-system', resourceVersion: '7' };
      const lease = { kind: 'Lease', metadata };
      server.on('POST', LEASES, (call) => ({
        status: 201,
        body: { ...lease, spec: (call.body as { spec: object }).spec },
      }));
      server.on('PUT', `${LEASES}/dualparal-operator`, (call) => ({ body: call.body as object }));
    });
    afterAll(() => server.close());

    it('leads, and stops cleanly when told to, leaving its lease free', async () => {
      const { code, output } = await run(FLAGS, kubeconfigOf(server.origin), ['"msg":"leading"', (kill) => kill()]);
      expect(code).toBe(0);
      expect(output).toMatch(/caches are filled[\s\S]*leading[\s\S]*stopping[\s\S]*ended/);
      expect(server.calls.filter((call) => call.path.startsWith(LEASES)).at(-1)?.body).toMatchObject({
        spec: { holderIdentity: '' },
      });
    });
  });
});
