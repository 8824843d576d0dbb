import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { podCredentials } from './in-pod.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dualparal-account-'));
  writeFileSync(join(folder, 'token'), 'first\n');
  writeFileSync(join(folder, 'ca.crt'), 'authority');
});
afterEach(() => rmSync(folder, { recursive: true }));

const SERVICE = { KUBERNETES_SERVICE_HOST: '10.0.0.1', KUBERNETES_SERVICE_PORT: '6443' };

describe('the credentials of a pod', () => {
  it.each<[string, Record<string, string>, string]>([
    ['an IPv4 address', SERVICE, 'https://10.0.0.1:6443'],
    ['an IPv6 address', { ...SERVICE, KUBERNETES_SERVICE_HOST: 'fd00::1' }, 'https://[fd00::1]:6443'],
  ])('lead to the API server at %s', async (_what, env, origin) => {
    expect((await podCredentials(env, folder)?.())?.origin).toBe(origin);
  });

  it('are read anew, since tokens are rotated', async () => {
    const read = podCredentials(SERVICE, folder);
    const first = await read?.();
    writeFileSync(join(folder, 'token'), 'second');
    const second = await read?.();
    expect([first?.headers, second?.headers]).toEqual([
      { Authorization: 'Bearer first' },
      { Authorization: 'Bearer second' },
    ]);
    expect(second?.identity).toBe(first?.identity);
  });

  it('ask for another pool when the authority is another one', async () => {
    const read = podCredentials(SERVICE, folder);
    const first = await read?.();
    writeFileSync(join(folder, 'ca.crt'), 'another');
    expect((await read?.())?.identity).not.toBe(first?.identity);
  });

  it('are none outside of pods', () => {
    expect(podCredentials({}, folder)).toBeUndefined();
    expect(podCredentials(SERVICE, join(folder, 'missing'))).toBeUndefined();
  });
});
