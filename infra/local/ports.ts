import { randomInt } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { z } from 'zod';

/** Ports that were chosen free once and are remembered, so that addresses stay the same from start to start. */
export class Ports {
  readonly #file: string;
  readonly #remembered: Record<string, number>;

  /** `dataDir` must exist. */
  constructor(dataDir: string) {
    this.#file = join(dataDir, 'ports.json');
    this.#remembered = readRemembered(this.#file);
  }

  /** The port of a name: the remembered one where it is free, else another one, remembered from now on. */
  async take(name: string): Promise<number> {
    const known = this.#remembered[name];
    const port = known !== undefined && (await isFree(known)) ? known : await this.#another();
    this.#remembered[name] = port;
    writeFileSync(this.#file, `${JSON.stringify(this.#remembered, null, 2)}\n`);
    return port;
  }

  async #another(): Promise<number> {
    for (;;) {
      const port = await freePort();
      // Looked up afterwards: somebody may have taken one meanwhile.
      if (!Object.values(this.#remembered).includes(port)) return port;
    }
  }
}

/** Whether somebody could listen on a port of a loopback address now. */
export function isFree(port: number, host = '127.0.0.1'): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => {
      resolve(false);
    });
    probe.listen(port, host, () =>
      probe.close(() => {
        resolve(true);
      }),
    );
  });
}

/** Below what systems give to outgoing connections (Linux from 32 768 on, others from 49 152), so that none of those takes it before it is listened to. */
const CHOSEN = { from: 15_000, to: 32_000 };

/** A port that is free now, and that no outgoing connection is given. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(CHOSEN.from, CHOSEN.to);
    if (await isFree(port)) return port;
  }
}

/** A damaged memory is no reason to stop: other ports are as good. */
function readRemembered(file: string): Record<string, number> {
  if (!existsSync(file)) return {};
  try {
    return z.record(z.string(), z.int().min(1).max(65_535)).parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return {};
  }
}
