import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { createAuthority, createServerCertificate, nameOfAuthority } from './certificate.ts';

const now = new Date();
const authority = createAuthority(nameOfAuthority, now);

/** What a client that trusts `ca` and asks for `host` gets from a server with a certificate for `certified`. */
async function handshake(certified: string, host: string, ca: string): Promise<string> {
  const server = createServer(createServerCertificate(authority, certified, now));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const socket = connect({ port, host: '127.0.0.1', ca, servername: host });
  try {
    await once(socket, 'secureConnect');
    return 'trusted';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  } finally {
    socket.destroy();
    server.close();
  }
}

describe('the authority', () => {
  it('is one, and may sign nothing but servers', () => {
    const certificate = new X509Certificate(authority.cert);
    expect({
      ca: certificate.ca,
      subject: certificate.subject,
      self: certificate.verify(certificate.publicKey),
    }).toEqual({
      ca: true,
      subject: 'CN=dualparal-operator',
      self: true,
    });
  });
});

describe('a server certificate', () => {
  it.each([
    ['operator.system.svc', 'DNS:operator.system.svc'],
    ['10.90.0.1', 'IP Address:10.90.0.1'],
    ['fd00::1:2', 'IP Address:FD00:0:0:0:0:0:1:2'],
    ['::1', 'IP Address:0:0:0:0:0:0:0:1'],
  ])('for %s is signed by the authority and names it', (host, name) => {
    const certificate = new X509Certificate(createServerCertificate(authority, host, now).cert);
    const issuer = new X509Certificate(authority.cert);
    expect({
      ca: certificate.ca,
      names: certificate.subjectAltName,
      issued: certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey),
    }).toEqual({ ca: false, names: name, issued: true });
  });

  it('lasts 90 days, from an hour ago', () => {
    const { validFrom, validTo } = new X509Certificate(createServerCertificate(authority, 'x', now).cert);
    const hours = (text: string) => Math.round((Date.parse(text) - now.getTime()) / 3_600_000);
    expect([hours(validFrom), hours(validTo)]).toEqual([-1, 90 * 24]);
  });

  it('is trusted by those who trust the authority, for its own name', async () => {
    expect(await handshake('operator.test', 'operator.test', authority.cert)).toBe('trusted');
    expect(await handshake('operator.test', 'other.test', authority.cert)).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
    const other = createAuthority(nameOfAuthority, now);
    expect(await handshake('operator.test', 'operator.test', other.cert)).not.toBe('trusted');
  });
});
