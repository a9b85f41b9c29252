import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/** How often connections that became idle are cut while a server closes, in milliseconds. */
const IDLE_CUT_MS = 50;
/** How long a connection may be open without a request, in milliseconds: the first one may be on its way. */
const UNUSED_MS = 1_000;

/**
 * How a server is closed, for one that does not listen yet: it stops listening and waits for the answers that are under way; a connection is cut
 * as soon as it is idle, and one that was opened ahead of a request, as browsers do, too: for Node that one is busy, for ever.
 */
export function closing(server: Server): () => Promise<void> {
  const openedAt = new Map<Socket, number>();
  server.on('connection', (socket) => {
    openedAt.set(socket, Date.now());
    socket.once('close', () => openedAt.delete(socket));
  });
  const cutIdle = (): void => {
    server.closeIdleConnections();
    for (const [socket, at] of openedAt)
      if (socket.bytesRead === 0 && Date.now() - at > UNUSED_MS) socket.destroy();
  };
  return () =>
    new Promise((resolve) => {
      const cutting = setInterval(cutIdle, IDLE_CUT_MS);
      server.close(() => {
        clearInterval(cutting);
        resolve();
      });
    });
}
