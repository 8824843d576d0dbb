import type { Server } from 'node:http';
import type { Server as SecureServer } from 'node:https';
import type { Socket } from 'node:net';
import { senderOf } from './sender.ts';

interface Connection {
  readonly socket: Socket;
  /** A request of it was answered with what was asked for. */
  isOfUse: boolean;
}

/**
 * Gives every sender at most `share` connections. One that has its share loses the oldest that was of no use yet, since others may
 * stand behind its address (a mesh, a NAT): who opens connections and says nothing keeps nobody out. Where all are of use, the
 * new one is ended.
 */
export function keepShares(server: Server | SecureServer, share: number): void {
  const senders = new Map<string, Map<string, Connection>>();
  server.on('connection', (socket: Socket) => {
    const [sender, key] = [senderOf(socket.remoteAddress), keyOf(socket)];
    const own = senders.get(sender) ?? new Map<string, Connection>();
    if (own.size >= share) {
      const oldest = own.entries().find(([, { isOfUse }]) => !isOfUse);
      if (oldest === undefined) {
        socket.destroy();
        return;
      }
      own.delete(oldest[0]);
      oldest[1].socket.destroy();
    }
    const connection = { socket, isOfUse: false };
    senders.set(sender, own.set(key, connection));
    socket.once('close', () => {
      if (own.get(key) === connection) own.delete(key);
      if (own.size === 0 && senders.get(sender) === own) senders.delete(sender);
    });
  });
  server.on('request', ({ socket }, response) => {
    // Over TLS the request has another socket than the connection, between the same addresses.
    const connection = senders.get(senderOf(socket.remoteAddress))?.get(keyOf(socket));
    response.on('finish', () => {
      if (connection !== undefined && response.statusCode < 400) connection.isOfUse = true;
    });
  });
}

function keyOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress}|${remotePort}`;
}
