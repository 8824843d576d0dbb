import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { Progress } from '#contract/progress.ts';
import { selfSigned } from '../../test/build/self-signed.ts';
import { createPusher } from './push.ts';
import { createTracker } from './tracker.ts';

const folder = mkdtempSync(join(tmpdir(), 'dualparal-push-'));
const caFile = join(folder, 'ca.crt');
const tokenFile = join(folder, 'token');

beforeAll(() => {
  selfSigned(folder);
  writeFileSync(tokenFile, 'a-token\n');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** An operator that answers with `statuses` in turn, then with 200, and keeps what it was sent. */
async function listen(statuses: number[] = []) {
  const received: { record: Progress; authorization: string | undefined }[] = [];
  const options = { cert: readFileSync(caFile), key: readFileSync(join(folder, 'key')) };
  const server: Server = createServer(options, (request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      received.push({ record: JSON.parse(body), authorization: request.headers.authorization });
      response.writeHead(statuses.shift() ?? 200).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { received, url: `https://127.0.0.1:${port}/progress`, close: () => server.close() };
}

const tracker = () => createTracker(() => 0);

test('a report carries the token of the file, over a connection that the authority vouches for', async () => {
  const operator = await listen();
  const pusher = createPusher({ url: operator.url, tokenFile, caFile }, () => {});
  const record = tracker().record();
  pusher.push(record);
  await pusher.close(5000);
  operator.close();
  expect(operator.received).toEqual([{ record, authorization: 'Bearer a-token' }]);
});

test('a failed report is tried again, and a newer one takes its place', async () => {
  const operator = await listen([503]);
  const outages: string[] = [];
  const pusher = createPusher({ url: operator.url, tokenFile, caFile }, (reason) => outages.push(reason));
  const records = tracker();
  pusher.push(records.record());
  await vi.waitUntil(() => outages.length > 0);
  pusher.push(records.record());
  await pusher.close(5000);
  operator.close();
  expect(operator.received.map(({ record }) => record.sequence)).toEqual([0, 1]);
  expect(outages).toEqual(['the operator answered 503']);
});

test('an absent operator costs one line and no film: closing ends in time, and the process goes on to its end', () => {
  const program = `
    import { createPusher } from ${JSON.stringify(join(import.meta.dirname, 'push.ts'))};
    const pusher = createPusher({ url: 'https://127.0.0.1:1/', tokenFile: '${tokenFile}', caFile: '${caFile}' }, (reason) => console.log(reason));
    pusher.push({ sequence: 0 });
    await new Promise((resolve) => setTimeout(resolve, 300));
    await pusher.close(1000);
    console.log('went on');`;
  const output = execFileSync(process.execPath, ['--input-type=module', '--eval', program], { encoding: 'utf8' });
  expect(output).toMatch(/^connect ECONNREFUSED 127\.0\.0\.1:1\nwent on\n$/);
});
