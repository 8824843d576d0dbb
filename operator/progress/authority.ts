import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { KubeClient } from '../kube/client.ts';
import { failureOf } from '../kube/failure.ts';
import { type KubeObject, pathOf, SECRETS } from '../kube/resource.ts';
import { createAuthority, type KeyAndCertificate, nameOfAuthority } from './certificate.ts';

interface Secret extends KubeObject {
  readonly apiVersion: 'v1';
  readonly kind: 'Secret';
  readonly type: 'kubernetes.io/tls';
  readonly data: Readonly<Record<string, string>>;
}

/** A new authority is made this long before the last one ends: longer than any film takes. */
const RENEW_MS = 180 * 86_400_000;

/**
 * The certificate authority of the progress endpoint: kept in a Secret, since pods that run trust the one that was in
 * their frozen ConfigMap, also after the operator was started anew. Made if there is none, or none that lasts and can be used.
 */
export async function keptAuthority(
  client: KubeClient,
  at: { readonly namespace: string; readonly name: string },
  now: Date,
): Promise<KeyAndCertificate> {
  for (let tries = 0; ; tries += 1) {
    const found = await read(client, at);
    const kept = found === undefined ? undefined : authorityOf(found, now);
    if (kept !== undefined) return kept;
    const made = createAuthority(nameOfAuthority, now);
    try {
      await write(client, at, found, made);
      return made;
    } catch (error) {
      const { kind } = failureOf(error);
      if ((kind !== 'exists' && kind !== 'conflict') || tries >= 3) throw error;
    }
  }
}

async function read(
  client: KubeClient,
  at: { readonly namespace: string; readonly name: string },
): Promise<Secret | undefined> {
  try {
    return await client.call<Secret>({ method: 'GET', path: pathOf(SECRETS, at) });
  } catch (error) {
    if (failureOf(error).kind === 'missing') return undefined;
    throw error;
  }
}

function authorityOf({ data }: Secret, now: Date): KeyAndCertificate | undefined {
  const text = (name: string) => Buffer.from(data?.[name] ?? '', 'base64').toString('utf8');
  const pair = { key: text('tls.key'), cert: text('tls.crt') };
  return isUsable(pair, now) ? pair : undefined;
}

/** Whether certificates can be made with it that whoever trusts it accepts. */
function isUsable({ key, cert }: KeyAndCertificate, now: Date): boolean {
  try {
    const certificate = new X509Certificate(cert);
    const lasts = Date.parse(certificate.validTo) - now.getTime() > RENEW_MS;
    return lasts && certificate.ca && certificate.checkPrivateKey(createPrivateKey(key));
  } catch {
    // Empty, cut off, or something else.
    return false;
  }
}

async function write(
  client: KubeClient,
  at: { readonly namespace: string; readonly name: string },
  found: Secret | undefined,
  { key, cert }: KeyAndCertificate,
): Promise<void> {
  const data = { 'tls.key': Buffer.from(key).toString('base64'), 'tls.crt': Buffer.from(cert).toString('base64') };
  const secret: Secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'kubernetes.io/tls',
    metadata: found?.metadata ?? at,
    data,
  };
  if (found === undefined)
    await client.call({ method: 'POST', path: pathOf(SECRETS, { namespace: at.namespace }), body: secret });
  else await client.call({ method: 'PUT', path: pathOf(SECRETS, at), body: secret });
}
