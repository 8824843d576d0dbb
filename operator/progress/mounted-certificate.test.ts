import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAuthority, createServerCertificate, SERVER_DAYS } from './certificate.ts';
import { readMountedCertificate } from './mounted-certificate.ts';

const now = new Date();
const HOST = 'dualparal-operator.films.svc';
// The names of authorities are what a chain is followed by, and a certificate here always names this one.
const [authority, other] = [createAuthority('dualparal-operator', now), createAuthority('dualparal-operator', now)];
const good = createServerCertificate(authority, HOST, now);
const secret = { 'tls.crt': good.cert, 'tls.key': good.key, 'ca.crt': authority.cert };
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'dualparal-certificate-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function read(files: Readonly<Record<string, string>>, host = HOST, at = now) {
  for (const name of Object.keys(secret)) rmSync(join(folder, name), { force: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return readMountedCertificate(folder, host, at);
}

describe('a mounted certificate', () => {
  it('is taken as it is', () => {
    expect(read(secret)).toEqual({ server: good, authority: authority.cert });
  });

  it('may be trusted through one of several authorities', () => {
    expect(read({ ...secret, 'ca.crt': other.cert + authority.cert }).server).toEqual(good);
  });

  it('may be for an address', () => {
    const server = createServerCertificate(authority, '10.0.0.7', now);
    expect(read({ ...secret, 'tls.crt': server.cert, 'tls.key': server.key }, '10.0.0.7').server).toEqual(server);
  });

  const { 'ca.crt': _none, ...withoutAuthority } = secret;
  it.each<[string, Readonly<Record<string, string>>, string]>([
    ['without an authority', withoutAuthority, 'no such file'],
    ['that is empty', { ...secret, 'tls.crt': '' }, 'tls.crt holds no certificate'],
    ['with the key of another', { ...secret, 'tls.key': authority.key }, 'tls.key is not the key of tls.crt'],
    ['of another authority', { ...secret, 'ca.crt': other.cert }, 'ca.crt has not signed tls.crt'],
    ['with a key that is none', { ...secret, 'tls.key': 'x' }, 'cannot be used: '],
  ])('%s is refused', (_what, files, message) => {
    expect(() => read(files)).toThrow(message);
  });

  it('is refused for another name than the one that runners ask for', () => {
    expect(() => read(secret, 'dualparal-operator.studio.svc')).toThrow('is not for dualparal-operator.studio.svc');
  });

  it('is refused once it has ended', () => {
    expect(() => read(secret, HOST, new Date(now.getTime() + (SERVER_DAYS + 1) * 86_400_000))).toThrow('has ended');
  });
});
