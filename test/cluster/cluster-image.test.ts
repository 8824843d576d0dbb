import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { buildImage } from '../../image/build.ts';
import { type Cluster, startCluster, stopCluster } from './cluster.ts';
import { installPackages, missingPackages } from './debian-packages.ts';
import { claimFolder, localClaim } from './persistent-volume.ts';
import { clusterSupport } from './support.ts';

const support = clusterSupport();
const name = 'image-test';
const report = (line: string) => process.stderr.write(`[image] ${line}\n`);
const films = { namespace: 'default', name: 'films' };

const probe = [
  'echo "user $(id -u):$(id -g)"',
  'echo "node $(node --version)"',
  'for program in python3 perl5 gcc cc make npm; do if command -v $program; then :; fi; done',
  'if touch /app/x 2>/dev/null; then echo the root is writable; fi',
  'ffmpeg -loglevel error -f lavfi -i testsrc=duration=1:size=64x64:rate=16 -c:v libx264 /output/probe.mp4',
  "cd /app && node --input-type=module -e \"import koffi from 'koffi'; console.log('koffi', typeof koffi.load)\"",
  'ls /app/node_modules/onnxruntime-node/bin/napi-v6/linux/x64/libonnxruntime.so.1',
].join('\n');

const security = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
};

const operatorProbe = [
  'for program in python3 perl5 gcc cc make npm ffmpeg dualparal; do if command -v $program; then :; fi; done',
  'ls /app /app/node_modules | grep -E "^(runner|koffi|onnxruntime.*|commander|ws|pino)$"',
  'ls /app/runner',
].join('\n');

const pod = (image: string, operator: string) =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'image' },
    spec: {
      restartPolicy: 'Never',
      automountServiceAccountToken: false,
      securityContext: { runAsNonRoot: true, fsGroup: 65532, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [
        {
          ...{ name: 'probe', image, imagePullPolicy: 'Never', securityContext: security },
          ...{ command: ['sh', '-c', probe], volumeMounts: [{ name: 'output', mountPath: '/output' }] },
        },
        { name: 'help', image, imagePullPolicy: 'Never', securityContext: security },
        {
          ...{ name: 'operator-probe', image: operator, imagePullPolicy: 'Never', securityContext: security },
          command: ['sh', '-c', operatorProbe],
        },
        {
          ...{ name: 'operator-help', image: operator, imagePullPolicy: 'Never', securityContext: security },
          args: ['--help'],
        },
      ],
      volumes: [{ name: 'output', persistentVolumeClaim: { claimName: films.name } }],
    },
  });

const title = `the images on a real Kubernetes${support.ok ? '' : ` (skipped: ${support.reason})`}`;
describe.skipIf(!support.ok)(title, () => {
  let cluster: Cluster;

  beforeAll(async () => {
    await installPackages(missingPackages(['cluster', 'image']), report);
    const runner = await buildImage({ image: 'runner', report });
    const operator = await buildImage({ image: 'operator', report });
    cluster = await startCluster({ name, report });
    for (const { tarFile } of [runner, operator]) await cluster.importImage(tarFile);
    const apply = (input: string) => cluster.kubectl(['apply', '-f', '-'], { input });
    expect(await apply(localClaim(cluster, films))).toMatchObject({ code: 0 });
    expect(await apply(pod(runner.name, operator.name))).toMatchObject({ code: 0 });
    const phase = ['get', 'pod', 'image', '-o', 'jsonpath={.status.phase}'];
    const isOver = async () => ['Succeeded', 'Failed'].includes((await cluster.kubectl(phase)).stdout);
    await vi.waitUntil(isOver, { timeout: 300_000, interval: 500 });
  });

  afterAll(() => stopCluster(name));

  test('the runner’s runs as another user than root on a read-only root, with Node, ffmpeg, koffi and ONNX Runtime, without Python or compiler', async () => {
    const manifest = join(import.meta.dirname, '../../node_modules/node/package.json');
    const { version } = JSON.parse(readFileSync(manifest, 'utf8'));
    expect((await cluster.kubectl(['logs', 'image', '-c', 'probe'])).stdout.trim().split('\n')).toEqual([
      'user 65532:65532',
      `node v${version}`,
      'koffi function',
      '/app/node_modules/onnxruntime-node/bin/napi-v6/linux/x64/libonnxruntime.so.1',
    ]);
  });

  test('the runner’s user writes to a persistent volume through its group', () => {
    const film = readFileSync(join(claimFolder(cluster, films), 'probe.mp4'));
    expect(film.subarray(4, 8).toString()).toBe('ftyp');
  });

  test('started without words the runner’s says what it can do', async () => {
    const help = await cluster.kubectl(['logs', 'image', '-c', 'help']);
    expect(help.stdout).toMatch(/^Usage: dualparal /);
  });

  test('the operator’s holds what the operator imports, and nothing that makes films', async () => {
    const probe = await cluster.kubectl(['logs', 'image', '-c', 'operator-probe']);
    expect(probe.stdout.trim().split('\n')).toEqual(['runner', 'pino', 'ws', 'contract']);
  });

  test('the operator’s starts the operator', async () => {
    const help = await cluster.kubectl(['logs', 'image', '-c', 'operator-help']);
    expect(help.stdout).toContain('--runner-image');
  });
});
