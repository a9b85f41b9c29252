import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';

/** How often connections that became idle are cut while a server closes, in milliseconds. */
const IDLE_CUT_MS = 50;
/** How long a connection may be open without a request, in milliseconds: the first one may be on its way. */
const UNUSED_MS = 1_000;
/** Where connections never cease to come, some end is better than none: as many as the system lets wait by default, and again. */
const MOST_TURNS = 1_022;

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
  return async () => {
    await takeWaiting(server);
    const cutting = setInterval(cutIdle, IDLE_CUT_MS);
    await new Promise<void>((resolve) => {
      server.close(() => {
        resolve();
      });
    });
    clearInterval(cutting);
  };
}

/**
 * Takes who has connected while this process was busy with something else: Node takes one in a turn of its loop, and the system resets those
 * that were not taken when nobody listens any more.
 */
async function takeWaiting(server: Server): Promise<void> {
  let taken = 0;
  const count = (): void => {
    taken += 1;
  };
  server.on('connection', count);
  for (let before = -1, turns = 0; before < taken && turns < MOST_TURNS; turns += 1) {
    before = taken;
    // Two, for the first may be in the middle of a turn.
    await nextTurn();
    await nextTurn();
  }
  server.off('connection', count);
}
