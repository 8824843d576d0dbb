import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A certificate for 127.0.0.1 that vouches for itself, made by openssl in `folder`. */
export function selfSigned(folder: string): { readonly caFile: string; readonly cert: Buffer; readonly key: Buffer } {
  const [caFile, keyFile] = [join(folder, 'ca.crt'), join(folder, 'key')];
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=127.0.0.1'];
  const files = ['-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', keyFile, '-out', caFile];
  execFileSync('openssl', ['req', ...kind, ...files], { stdio: 'pipe' });
  return { caFile, cert: readFileSync(caFile), key: readFileSync(keyFile) };
}
