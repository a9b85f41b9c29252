import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';

/** What belongs to one connection's upgrade, and not to the request. */
const OF_UPGRADES = ['connection', 'upgrade', 'http2-settings'];

/**
 * Serves requests that offer another protocol (Java's own client offers h2c with each) as if they did not: once somebody listens to upgrades,
 * Node 20 takes every such request out of HTTP, and its client would hang. `ours`: the path whose upgrades are taken.
 */
export function passOtherUpgrades(server: Server, ours: string): void {
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, rest: Buffer) => {
    if (request.url?.startsWith(ours)) return;
    socket.unshift(Buffer.concat([headOf(request), rest]));
    // As Node documents it: a connection that is handed to the server is read from its beginning.
    server.emit('connection', socket);
  });
}

/** The head of a request as it came, without the offer. */
function headOf({ method = '', url = '', httpVersion, rawHeaders }: IncomingMessage): Buffer {
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const [name = '', value = ''] = rawHeaders.slice(at, at + 2);
    if (!OF_UPGRADES.includes(name.toLowerCase())) lines.push(`${name}: ${value}`);
  }
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
}
