import type { Socket } from 'node:net';

/** The open sockets by the port of the other end, which sessions know; smtp-server itself offers no way to cut one. */
export class OpenSockets {
  readonly #sockets = new Map<number, Socket>();

  /** Keeps a socket until it closes. */
  remember(socket: Socket): void {
    const port = socket.remotePort ?? 0;
    this.#sockets.set(port, socket);
    socket.once('close', () => this.#sockets.delete(port));
  }

  /** Destroys the connection from a port of the other end. */
  cut(remotePort: number): void {
    this.#sockets.get(remotePort)?.destroy();
  }

  /** Destroys every connection. */
  cutAll(): void {
    for (const socket of this.#sockets.values()) socket.destroy();
  }
}
