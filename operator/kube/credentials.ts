import type { Dispatcher } from 'undici';

/** Where the API server is and how to speak to it, as of now. */
export interface Credentials {
  readonly origin: string;
  /** Who this process is, as headers. */
  readonly headers: Readonly<Record<string, string>>;
  /** What the pool of connections depends on: when it changes, another one is made. */
  readonly identity: string;
  /** Makes a pool of at most so many connections. */
  readonly open: (connections: number) => Dispatcher;
}

/** Reads the credentials anew, each time it is asked: tokens and authorities are rotated. */
export type ReadCredentials = () => Promise<Credentials>;
