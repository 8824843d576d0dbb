import type { Dispatcher } from 'undici';
import { atTheDoor } from './at-the-door.ts';
import type { Credentials, ReadCredentials } from './credentials.ts';
import type { Gate } from './gate.ts';

/** How to reach the API server now. */
export interface Connection {
  readonly origin: string;
  /** Credentials as headers. */
  readonly headers: Readonly<Record<string, string>>;
  /** Pool of connections that all calls share; the client library would open a connection for each call. */
  readonly dispatcher: Dispatcher;
}

/** Gives the connection of now, and the pool's end. */
export interface Connector {
  connect(): Promise<Connection>;
  /** Reads the credentials again at the next call, for instance because the last ones were refused. */
  expire(): void;
  close(): Promise<void>;
}

/** Credentials (a rotated token, a rotated authority) are read again after this time. */
const CREDENTIALS_MS = 30_000;
/** Connections of a pool that nobody asked to be smaller. */
const CONNECTIONS = 64;

interface Pooled extends Connection {
  readonly identity: string;
  readonly until: number;
}

/** Makes a connector that shows these credentials; nothing leaves through its pool once `gate` is closed. */
export function createConnector(read: ReadCredentials, gate: Gate, connections = CONNECTIONS): Connector {
  let current: Promise<Pooled> | undefined;
  let last: Pooled | undefined;
  const open = async () => {
    last = pooled(await read(), last, (credentials) => credentials.open(connections).compose(atTheDoor(gate)));
    return last;
  };
  return {
    async connect() {
      const known = await current?.catch(() => undefined);
      if (known !== undefined && performance.now() < known.until) return known;
      current = open();
      return current;
    },
    expire() {
      current = undefined;
    },
    async close() {
      await last?.dispatcher.destroy();
    },
  };
}

/** The last pool goes on while its TLS material is still the right one. */
function pooled(
  credentials: Credentials,
  last: Pooled | undefined,
  open: (credentials: Credentials) => Dispatcher,
): Pooled {
  const { origin, headers, identity } = credentials;
  const kept = last?.identity === identity ? last.dispatcher : undefined;
  const dispatcher = kept ?? open(credentials);
  if (kept === undefined) void last?.dispatcher.close();
  return { origin, headers, dispatcher, identity, until: performance.now() + CREDENTIALS_MS };
}
