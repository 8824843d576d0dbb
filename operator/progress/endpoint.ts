import { once } from 'node:events';
import type { KubeClient } from '../kube/client.ts';
import { createAuthenticate } from './authenticate.ts';
import { keptAuthority } from './authority.ts';
import { createServerCertificate } from './certificate.ts';
import { createProgressServer, type ProgressServerOptions } from './server.ts';

/** The place that runners report to, listening. */
export interface ProgressEndpoint {
  /** PEM of the authority that runners shall trust. */
  readonly authority: string;
  /** Port that it listens on. */
  readonly port: number;
  close(): void;
}

export interface EndpointOptions extends Omit<ProgressServerOptions, 'authenticate'> {
  readonly client: KubeClient;
  /** Address that runners use; its host is what the certificate is for. */
  readonly url: string;
  readonly port: number;
  /** Secret that keeps the authority. */
  readonly secret: { readonly namespace: string; readonly name: string };
}

/** The server's certificate is made anew long before it ends. */
const RENEWAL_MS = 86_400_000;

/** Opens the endpoint: its authority from the Secret, its own certificate made at each start. */
export async function openProgressEndpoint(options: EndpointOptions): Promise<ProgressEndpoint> {
  const { client, url, secret } = options;
  const authority = await keptAuthority(client, secret, new Date());
  const host = new URL(url).hostname.replace(/^\[|\]$/g, '');
  const certificate = () => createServerCertificate(authority, host, new Date());
  const server = createProgressServer(certificate(), { ...options, authenticate: createAuthenticate(client) });
  server.listen(options.port);
  await once(server, 'listening');
  const renewal = setInterval(() => server.setSecureContext(certificate()), RENEWAL_MS).unref();
  const address = server.address();
  return {
    authority: authority.cert,
    port: typeof address === 'object' && address !== null ? address.port : options.port,
    close() {
      clearInterval(renewal);
      server.close();
      server.closeAllConnections();
    },
  };
}
