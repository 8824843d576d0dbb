import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
} from 'node:crypto';
import { isIP } from 'node:net';
import { bitString, boolean, context, integer, octetString, oid, sequence, set, time, utf8String } from './der.ts';

/** A key and its certificate, as PEM. */
export interface KeyAndCertificate {
  readonly key: string;
  readonly cert: string;
}

const OID = {
  commonName: '2.5.4.3',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  subjectKey: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKey: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
} as const;

const DAY_MS = 86_400_000;
const AUTHORITY_DAYS = 3650;
/** A server certificate is made anew at each start, and before it ends. */
export const SERVER_DAYS = 90;
/** Clocks of nodes differ a little. */
const SKEW_MS = 3_600_000;

/** A certificate authority of our own (P-256, RFC 5280), for the one server that runners report to. */
export function createAuthority(name: string, now: Date): KeyAndCertificate {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const keyId = keyIdOf(publicKey);
  const extensions = [
    extension(OID.basicConstraints, true, sequence(boolean(true), integer(Buffer.from([0])))),
    extension(OID.keyUsage, true, bitString(Buffer.from([0b0000_0110]), 1)), // keyCertSign, cRLSign
    extension(OID.subjectKey, false, octetString(keyId)),
  ];
  const parts = { subject: name, issuer: name, publicKey, days: AUTHORITY_DAYS, now, extensions };
  return { key: pemOf(privateKey), cert: certificate(parts, privateKey) };
}

/** A certificate for a server that answers to `host`, a DNS name or an address. */
export function createServerCertificate(authority: KeyAndCertificate, host: string, now: Date): KeyAndCertificate {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const authorityKey = createPrivateKey(authority.key);
  const extensions = [
    extension(OID.basicConstraints, true, sequence()),
    extension(OID.keyUsage, true, bitString(Buffer.from([0b1000_0000]), 7)), // digitalSignature
    extension(OID.extendedKeyUsage, false, sequence(oid(OID.serverAuth))),
    extension(OID.subjectAltName, false, sequence(altName(host))),
    extension(OID.authorityKey, false, sequence(context(0, false, keyIdOf(createPublicKey(authority.key))))),
  ];
  const parts = { subject: host.slice(0, 64), issuer: nameOfAuthority, publicKey, days: SERVER_DAYS, now, extensions };
  return { key: pemOf(privateKey), cert: certificate(parts, authorityKey) };
}

/** Name of the authority, as its certificates and those that it signs carry it. */
export const nameOfAuthority = 'dualparal-operator';

interface Parts {
  readonly subject: string;
  readonly issuer: string;
  readonly publicKey: KeyObject;
  readonly days: number;
  readonly now: Date;
  readonly extensions: readonly Buffer[];
}

function certificate({ subject, issuer, publicKey, days, now, extensions }: Parts, signer: KeyObject): string {
  const algorithm = sequence(oid(OID.ecdsaWithSha256));
  const start = new Date(now.getTime() - SKEW_MS);
  const end = new Date(now.getTime() + days * DAY_MS);
  const toBeSigned = sequence(
    context(0, true, integer(Buffer.from([2]))), // version 3
    integer(randomBytes(16)),
    algorithm,
    distinguishedName(issuer),
    sequence(time(start), time(end)),
    distinguishedName(subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    context(3, true, sequence(...extensions)),
  );
  const signature = sign('sha256', toBeSigned, signer);
  const der = sequence(toBeSigned, algorithm, bitString(signature));
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}

function distinguishedName(commonName: string): Buffer {
  return sequence(set(sequence(oid(OID.commonName), utf8String(commonName))));
}

function extension(id: string, critical: boolean, value: Uint8Array): Buffer {
  return sequence(oid(id), ...(critical ? [boolean(true)] : []), octetString(value));
}

function altName(host: string): Buffer {
  if (isIP(host) === 4) return context(7, false, Buffer.from(host.split('.').map(Number)));
  if (isIP(host) === 6) return context(7, false, ipv6Bytes(host));
  return context(2, false, Buffer.from(host, 'ascii'));
}

function ipv6Bytes(host: string): Buffer {
  const [head = '', tail] = host.split('::');
  const groups = (text: string) => (text === '' ? [] : text.split(':'));
  const [before, after] = [groups(head), groups(tail ?? '')];
  const zeros = tail === undefined ? [] : Array.from({ length: 8 - before.length - after.length }, () => '0');
  return Buffer.from([...before, ...zeros, ...after].map((group) => group.padStart(4, '0')).join(''), 'hex');
}

function keyIdOf(publicKey: KeyObject): Buffer {
  return createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest()
    .subarray(0, 20);
}

function pemOf(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}
