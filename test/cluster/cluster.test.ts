import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { packFolder } from '../../image/layer.ts';
import { writeOciImage } from '../../image/oci-layout.ts';
import { cgroupMounts } from './cgroups.ts';
import { type Cluster, findCluster, startCluster, stopCluster } from './cluster.ts';
import { clusterFolder } from './layout.ts';
import { findProcesses } from './processes.ts';
import { shellImage, shellImageTar } from './shell-image.ts';
import { readState } from './state.ts';
import { clusterSupport } from './support.ts';

const support = clusterSupport();
const name = 'cluster-test';
const report = (line: string) => process.stderr.write(`[cluster] ${line}\n`);

/** What this machine itself holds that could come from a cluster. */
function traces(cluster: string): Record<string, unknown> {
  const mountInfo = readFileSync('/proc/self/mountinfo', 'utf8');
  return {
    processes: findProcesses(clusterFolder(cluster)),
    folder: existsSync(clusterFolder(cluster)),
    mounts: mountInfo.split('\n').filter((line) => line.includes('dualparal')),
    links: readdirSync('/sys/class/net').filter((link) => link.startsWith('dualparal-')),
    namedNetworks: existsSync('/run/netns') ? readdirSync('/run/netns') : [],
    cgroups: cgroupMounts(mountInfo).filter((mount) => existsSync(join(mount, `dualparal-${cluster}`))),
  };
}

/** The same, but for what was there before, so that a cluster of another name does not disturb. */
function newTraces(cluster: string, before: Record<string, unknown>): Record<string, unknown> {
  const now = traces(cluster);
  const without = (key: string) => {
    const old = before[key] as unknown[];
    return (now[key] as unknown[]).filter((entry) => !old.includes(entry));
  };
  return { ...now, mounts: without('mounts'), links: without('links'), namedNetworks: without('namedNetworks') };
}

const none = { processes: [], folder: false, mounts: [], links: [], namedNetworks: [], cgroups: [] };

function gpuJob(): string {
  const script = [
    'echo running as $(id -u)',
    'cat /model/weights.txt > /tmp/read',
    'if touch /etc/x 2>/dev/null; then echo root is writable; fi',
    'if touch /model/x 2>/dev/null; then echo model is writable; fi',
    'test -s /token/token || exit 3',
    'echo "$DUALPARAL_STANDIN_GPUS;$(cat /tmp/read)" > /dev/termination-log',
  ].join('\n');
  return JSON.stringify({
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'gpus', namespace: 'restricted' },
    spec: {
      backoffLimit: 0,
      template: {
        spec: {
          restartPolicy: 'Never',
          automountServiceAccountToken: false,
          securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
          containers: [
            {
              name: 'main',
              image: shellImage,
              imagePullPolicy: 'Never',
              args: [script],
              resources: { limits: { 'nvidia.com/gpu': '8' } },
              securityContext: {
                allowPrivilegeEscalation: false,
                readOnlyRootFilesystem: true,
                capabilities: { drop: ['ALL'] },
              },
              volumeMounts: [
                { name: 'model', mountPath: '/model', readOnly: true },
                { name: 'tmp', mountPath: '/tmp' },
                { name: 'token', mountPath: '/token', readOnly: true },
              ],
            },
          ],
          volumes: [
            { name: 'model', image: { reference: 'localhost/cluster-test-model:1', pullPolicy: 'Never' } },
            { name: 'tmp', emptyDir: {} },
            {
              name: 'token',
              projected: { sources: [{ serviceAccountToken: { audience: 'test.dualparal.io', path: 'token' } }] },
            },
          ],
        },
      },
    },
  });
}

/** Starts the cluster from another process, which prints a line when it is up and then only waits. */
function startElsewhere(options: string) {
  const module = JSON.stringify(join(import.meta.dirname, 'cluster.ts'));
  const start = `await startCluster({ name: '${name}', ${options} });`;
  const code = `import { startCluster } from ${module}; ${start} console.log('up'); setInterval(() => {}, 1000);`;
  const args = ['--input-type=module', '--eval', code];
  return spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
}

async function modelImage(folder: string): Promise<string> {
  mkdirSync(join(folder, 'model'));
  writeFileSync(join(folder, 'model', 'weights.txt'), 'forty-two weights\n');
  await packFolder(join(folder, 'model'), join(folder, 'layer.tar'));
  const image = { name: 'localhost/cluster-test-model:1', layers: [join(folder, 'layer.tar')], settings: {} };
  await writeOciImage(image, join(folder, 'model.tar'));
  return join(folder, 'model.tar');
}

describe.skipIf(!support.ok)(`a real Kubernetes${support.ok ? '' : ` (skipped: ${support.reason})`}`, () => {
  let cluster: Cluster;
  let before: Record<string, unknown>;
  const folder = mkdtempSync(join(tmpdir(), 'cluster-test-'));
  const kubectl = async (args: readonly string[], input = '') => {
    const answer = await cluster.kubectl(args, { input });
    expect(answer, `kubectl ${args.join(' ')}`).toMatchObject({ code: 0 });
    return answer.stdout;
  };

  beforeAll(async () => {
    await stopCluster(name);
    before = traces(name);
    cluster = await startCluster({ name, report });
    await cluster.importImage(await shellImageTar());
    await cluster.importImage(await modelImage(folder));
  });

  afterAll(async () => {
    await stopCluster(name);
    rmSync(folder, { recursive: true, force: true });
  });

  test('a Job under restricted pod security holds eight devices, reads an image volume and leaves its message', async () => {
    await kubectl(['create', 'namespace', 'restricted']);
    await kubectl(['label', 'namespace', 'restricted', 'pod-security.kubernetes.io/enforce=restricted']);
    await kubectl(['apply', '-f', '-'], gpuJob());
    await kubectl(['-n', 'restricted', 'wait', '--for=condition=complete', 'job/gpus', '--timeout=120s']);
    const pods = JSON.parse(await kubectl(['-n', 'restricted', 'get', 'pods', '-l', 'job-name=gpus', '-o', 'json']));
    const message: string = pods.items[0].status.containerStatuses[0].state.terminated.message;
    const [devices = '', weights] = message.trim().split(';');
    expect(new Set(devices.split(','))).toEqual(
      new Set(Array.from({ length: 8 }, (_, index) => `stand-in-gpu-${index}`)),
    );
    expect(weights).toBe('forty-two weights');
    expect(await kubectl(['-n', 'restricted', 'logs', 'job/gpus'])).toBe('running as 65532\n');
  });

  test('a pod that breaks restricted pod security is refused with the reasons', async () => {
    const answer = await cluster.kubectl(['-n', 'restricted', 'run', 'loose', `--image=${shellImage}`]);
    expect(answer.code).not.toBe(0);
    expect(answer.stderr).toContain('violates PodSecurity "restricted:latest"');
  });

  test('an account without rights is refused by the API server', async () => {
    const account = 'system:serviceaccount:default:default';
    const answer = await cluster.kubectl(['auth', 'can-i', 'list', 'pods', '--as', account]);
    expect(answer).toMatchObject({ code: 1, stdout: 'no\n' });
  });

  test('deleting a Job takes its pod along', async () => {
    await kubectl(['-n', 'restricted', 'delete', 'job', 'gpus', '--cascade=foreground', '--timeout=60s']);
    const left = await kubectl(['-n', 'restricted', 'get', 'pods', '-l', 'job-name=gpus', '-o', 'name']);
    expect(left).toBe('');
  });

  test('a service reaches its pod: by its address from this machine, by address and names from a pod', async () => {
    const serve = 'exec /bin/busybox httpd -f -p 8080 -h /www';
    await kubectl(['run', 'web', `--image=${shellImage}`, '--image-pull-policy=Never', '--port=8080', '--', serve]);
    await kubectl(['expose', 'pod', 'web']);
    await kubectl(['wait', '--for=condition=Ready', 'pod/web', '--timeout=60s']);
    const address = await kubectl(['get', 'service', 'web', '-o', 'jsonpath={.spec.clusterIP}']);
    const fetchFromHere = async () => {
      for (let attempt = 0; attempt < 50; attempt += 1) {
        const text = await fetch(`http://${address}:8080/`).then((answer) => answer.text(), String);
        if (text === 'hello\n') return text;
        await sleep(200);
      }
      return 'no answer';
    };
    expect(await fetchFromHere()).toBe('hello\n');
    for (const host of [address, 'web', 'web.default.svc']) {
      const inPod = ['exec', 'web', '--', '/bin/wget', '-q', '-O', '-', `http://${host}:8080/`];
      expect(await kubectl(inPod)).toBe('hello\n');
    }
  });

  test('starting it again returns the one that is up', async () => {
    const again = await startCluster({ name });
    expect({ kubeconfig: again.kubeconfig, bed: readState(name)?.bed?.pid }).toEqual({
      kubeconfig: cluster.kubeconfig,
      bed: readState(name)?.bed?.pid,
    });
  });

  test('a pod can reach nothing beyond this machine', async () => {
    const away = ['exec', 'web', '--', '/bin/busybox', 'nc', '-w', '3', '198.51.100.1', '80'];
    const answer = await cluster.kubectl(away);
    expect(answer.code).not.toBe(0);
    expect(answer.stderr).toContain('unreachable');
  });

  test('stopping it leaves no process, mount, link, network namespace, cgroup or folder behind', async () => {
    expect(findCluster(name)).not.toBeNull();
    await stopCluster(name);
    expect(newTraces(name, before)).toEqual(none);
  });

  test('a start that was cut off is taken away by a stop', async () => {
    const owner = startElsewhere('owned: false');
    await expect.poll(() => readState(name)?.slot ?? null, { timeout: 60_000 }).not.toBeNull();
    owner.kill('SIGKILL');
    await stopCluster(name);
    expect(newTraces(name, before)).toEqual(none);
  });

  test('killing its owner takes it away as well', async () => {
    const owner = startElsewhere('owned: true');
    await new Promise((resolve, reject) => {
      owner.stdout.once('data', resolve);
      owner.once('exit', (status) => reject(new Error(`the owner ended with ${status}`)));
    });
    expect(findCluster(name)).not.toBeNull();
    owner.kill('SIGKILL');
    await expect.poll(() => newTraces(name, before), { timeout: 60_000, interval: 200 }).toEqual(none);
  });
});
