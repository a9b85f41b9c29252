import { connect } from 'node:net';

/** Sends bytes to an address as they are, which no HTTP client would; answers all that comes back until the connection ends. */
export function rawRequest(
  address: string,
  pieces: readonly string[],
  { everyMs = 0 }: { everyMs?: number } = {},
): Promise<string> {
  const { hostname, port } = new URL(address);
  return new Promise((resolve, reject) => {
    let answer = '';
    const waiting = [...pieces];
    const socket = connect(Number(port), hostname);
    const dripping = setInterval(() => {
      const piece = waiting.shift();
      if (piece === undefined) clearInterval(dripping);
      else socket.write(piece);
    }, everyMs);
    socket
      .on('data', (chunk: Buffer) => (answer += chunk.toString()))
      .on('error', reject)
      .on('close', () => {
        clearInterval(dripping);
        resolve(answer);
      });
  });
}

/** A GET whose path no client has tidied up. */
export function rawGet(address: string, path: string, headers: Record<string, string> = {}): Promise<string> {
  const all = { host: new URL(address).host, connection: 'close', ...headers };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  return rawRequest(address, [`GET ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`]);
}
