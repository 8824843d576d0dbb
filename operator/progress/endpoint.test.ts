import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { afterEach, expect, it, vi } from 'vitest';
import { openPlainClient } from '../kube/client.ts';
import { createAuthority, createServerCertificate } from './certificate.ts';
import { openProgressEndpoint, type ProgressEndpoint } from './endpoint.ts';
import { createInbox } from './inbox.ts';

const HOST = 'dualparal-operator.films.svc';
const folder = mkdtempSync(join(tmpdir(), 'dualparal-endpoint-'));
// Nobody is there: with a mounted certificate, no Secret is asked for.
const client = openPlainClient('http://127.0.0.1:9');
let endpoint: ProgressEndpoint | undefined;
afterEach(async () => {
  endpoint?.close();
  await client.close();
  rmSync(folder, { recursive: true });
});

function mount(): string {
  const authority = createAuthority('dualparal-operator', new Date());
  const { key, cert } = createServerCertificate(authority, HOST, new Date());
  writeFileSync(join(folder, 'tls.key'), key);
  writeFileSync(join(folder, 'tls.crt'), cert);
  writeFileSync(join(folder, 'ca.crt'), authority.cert);
  return authority.cert;
}

/** Whether somebody who trusts this authority accepts the endpoint. */
function isTrusted(port: number, ca: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket: TLSSocket = connect({ port, host: '127.0.0.1', servername: HOST, ca }, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

it('shows the certificate of a folder, and a renewed one as soon as it is whole', async () => {
  const warnings: string[] = [];
  const first = mount();
  endpoint = await openProgressEndpoint({
    client,
    reviewClient: client,
    inbox: createInbox({ wake: () => {} }),
    podOf: () => undefined,
    isCurrent: () => false,
    isLeading: () => true,
    namespaceOf: () => undefined,
    deletedFilms: async () => ({ deleted: [], unknown: [] }),
    url: `https://${HOST}:8443/v1/progress`,
    port: 0,
    secret: { namespace: 'films', name: 'unused' },
    certificateFolder: folder,
    timing: { rereadMs: 5 },
    warn: (message) => warnings.push(message),
  });
  const { port } = endpoint;
  expect([endpoint.authority, await isTrusted(port, first)]).toEqual([first, true]);
  writeFileSync(join(folder, 'tls.key'), 'half of it');
  await vi.waitUntil(() => warnings.length > 0);
  expect([endpoint.authority, await isTrusted(port, first)]).toEqual([first, true]);
  const second = mount();
  await vi.waitUntil(() => endpoint?.authority === second);
  expect([await isTrusted(port, first), await isTrusted(port, second)]).toEqual([false, true]);
});
