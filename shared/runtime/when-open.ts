import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

/** Does it once bytes of ours can go out over a connection, and not before: TLS is agreed upon first. */
export function whenOpen(socket: Socket, then: () => void): void {
  if (!socket.connecting) then();
  else socket.once(socket instanceof TLSSocket ? 'secureConnect' : 'connect', then);
}
