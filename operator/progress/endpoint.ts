import { once } from 'node:events';
import type { KubeClient } from '../kube/client.ts';
import { type AuthenticateOptions, createAuthenticate } from './authenticate.ts';
import { keptAuthority } from './authority.ts';
import { createServerCertificate } from './certificate.ts';
import { readMountedCertificate, type ServerCertificate } from './mounted-certificate.ts';
import { createProgressServer, type ProgressServerOptions } from './server.ts';

/** The place that runners report to, listening. */
export interface ProgressEndpoint {
  /** PEM of the authority that runners shall trust from now on. */
  readonly authority: string;
  /** Port that it listens on. */
  readonly port: number;
  close(): void;
}

export interface EndpointOptions extends Omit<ProgressServerOptions, 'authenticate'> {
  readonly client: KubeClient;
  /** For reviews of tokens alone. */
  readonly reviewClient: KubeClient;
  /** The pod of this uid, if its reports are taken now. */
  readonly podOf: AuthenticateOptions['podOf'];
  /** Address that runners use; its host is what the certificate is for. */
  readonly url: string;
  readonly port: number;
  /** Secret that keeps the endpoint's own authority. */
  readonly secret: { readonly namespace: string; readonly name: string };
  /** Folder with a certificate that somebody else renews; without it the endpoint has an authority of its own. */
  readonly certificateFolder?: string | undefined;
  readonly timing?: { readonly rereadMs: number };
}

/** A certificate of our own is made anew long before it ends. */
const RENEWAL_MS = 86_400_000;
/** The kubelet brings a changed Secret within about a minute. */
const REREAD_MS = 60_000;

/** Opens the endpoint, with its own authority from the Secret or with the certificate of a folder; both are renewed. */
export async function openProgressEndpoint(options: EndpointOptions): Promise<ProgressEndpoint> {
  const certificate = await certificateSource(options);
  let current = certificate();
  const authenticate = createAuthenticate({ client: options.reviewClient, podOf: options.podOf });
  const server = createProgressServer(current.server, { ...options, authenticate });
  server.listen(options.port);
  await once(server, 'listening');
  const renew = () => {
    try {
      current = certificate();
      server.setSecureContext(current.server);
    } catch (error) {
      // Perhaps only half of it is there yet: the last one goes on, and another try comes.
      options.warn?.((error as Error).message);
    }
  };
  const everyMs = options.certificateFolder === undefined ? RENEWAL_MS : (options.timing?.rereadMs ?? REREAD_MS);
  const renewal = setInterval(renew, everyMs).unref();
  const address = server.address();
  return {
    get authority() {
      return current.authority;
    },
    port: typeof address === 'object' && address !== null ? address.port : options.port,
    close() {
      clearInterval(renewal);
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Gives the certificate of now each time it is asked. */
async function certificateSource(options: EndpointOptions): Promise<() => ServerCertificate> {
  const { client, url, secret, certificateFolder } = options;
  const host = new URL(url).hostname.replace(/^\[|\]$/g, '');
  if (certificateFolder !== undefined) return () => readMountedCertificate(certificateFolder, host, new Date());
  const authority = await keptAuthority(client, secret, new Date());
  return () => ({ server: createServerCertificate(authority, host, new Date()), authority: authority.cert });
}
