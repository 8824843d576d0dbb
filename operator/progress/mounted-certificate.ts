import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { defineErrors } from '#contract/error.ts';
import type { KeyAndCertificate } from './certificate.ts';

/** What the endpoint shows, and whom runners shall trust. */
export interface ServerCertificate {
  readonly server: KeyAndCertificate;
  /** PEM of one authority or several. */
  readonly authority: string;
}

export const certificateError = defineErrors({
  E_PROGRESS_CERTIFICATE: {
    message: 'the certificate of the progress endpoint in {folder} cannot be used: {detail}',
    fixer: 'administrator',
    exit: 'usage',
  },
});

/**
 * Reads `tls.crt`, `tls.key` and `ca.crt` of a mounted Secret, as cert-manager fills it. Throws `E_PROGRESS_CERTIFICATE` for
 * what no runner would accept: a key of another certificate, a name that is not `host`, an authority that has not signed it.
 */
export function readMountedCertificate(folder: string, host: string, now: Date): ServerCertificate {
  const [cert, key, authority] = ['tls.crt', 'tls.key', 'ca.crt'].map((name) => fileIn(folder, name));
  const found = { server: { cert: cert ?? '', key: key ?? '' }, authority: authority ?? '' };
  const problem = problemOf(found, host, now);
  if (problem !== undefined) throw unusable(folder, problem);
  return found;
}

function fileIn(folder: string, name: string): string {
  try {
    return readFileSync(join(folder, name), 'utf8');
  } catch (error) {
    throw unusable(folder, (error as Error).message);
  }
}

function problemOf({ server, authority }: ServerCertificate, host: string, now: Date): string | undefined {
  try {
    const [leaf, ...between] = certificatesIn(server.cert);
    if (leaf === undefined) return 'tls.crt holds no certificate';
    if (!leaf.checkPrivateKey(createPrivateKey(server.key))) return 'tls.key is not the key of tls.crt';
    if ((isIP(host) === 0 ? leaf.checkHost(host) : leaf.checkIP(host)) === undefined)
      return `tls.crt is not for ${host}`;
    if (Date.parse(leaf.validTo) <= now.getTime()) return `tls.crt has ended on ${leaf.validTo}`;
    if (!leadsTo(leaf, between, certificatesIn(authority))) return 'ca.crt has not signed tls.crt';
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Whether one of `roots` has signed the certificate, or one between them that has signed it. */
function leadsTo(
  certificate: X509Certificate,
  between: readonly X509Certificate[],
  roots: readonly X509Certificate[],
): boolean {
  const isSignedBy = (issuer: X509Certificate) =>
    certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
  if (roots.some((root) => isSignedBy(root) || root.fingerprint256 === certificate.fingerprint256)) return true;
  return between.some((issuer) => {
    const others = between.filter((other) => other !== issuer);
    return isSignedBy(issuer) && leadsTo(issuer, others, roots);
  });
}

function certificatesIn(pem: string): readonly X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block));
}

function unusable(folder: string, detail: string): Error {
  return certificateError('E_PROGRESS_CERTIFICATE', { folder, detail });
}
