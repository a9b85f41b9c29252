import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';
import { pause } from '../../shared/runtime/backoff.ts';

/** One proxied connection. */
interface Link {
  client: Socket;
  server: Socket;
  /** The first bytes that the client sent, as text: AMQP and MongoDB clients say there who they are. */
  hello: string;
}

/** Bytes of the beginning that are kept. */
const HELLO_BYTES = 4_096;

/** Few, so that each line of an answer is split; not one, whose thousands of timers take a busy machine longer than an attempt may take. */
const DRIP_BYTES = 4;

/** What the proxy does to what passes through it. */
export interface Trouble {
  /** Milliseconds that every piece waits, in both directions. */
  delayMs?: number;
  /** Bytes to the server vanish: it never sees what the client says. */
  loseUpstream?: boolean;
  /** Bytes to the client vanish: it never sees the answers. */
  loseDownstream?: boolean;
  /** Bytes to the client arrive in pieces of DRIP_BYTES, this many milliseconds apart. */
  dripMs?: number;
  /** What the client sees in place of each answer. */
  garbage?: string;
  /** Only connections whose client said this in its first bytes. */
  only?: RegExp;
}

/** A TCP proxy on loopback whose network can be bad: slow, silent in one or both directions, cut, or refusing. */
export class TcpProxy {
  readonly #target: { host: string; port: number };
  readonly #links = new Set<Link>();
  #server: Server | undefined;
  #port = 0;
  #trouble: Trouble = {};

  private constructor(target: { host: string; port: number }) {
    this.#target = target;
  }

  /** Listens on a free port, which stays the same for good. */
  static async start(port: number, host = '127.0.0.1'): Promise<TcpProxy> {
    const proxy = new TcpProxy({ host, port });
    await proxy.accept();
    return proxy;
  }

  /** Where clients connect. */
  get port(): number {
    return this.#port;
  }

  /** Bad from now on, also for open connections; without an argument, good again. */
  be(trouble: Trouble = {}): void {
    this.#trouble = trouble;
  }

  /** Cuts every connection with a reset. */
  reset(): void {
    for (const { client, server } of this.#links) {
      client.resetAndDestroy();
      server.resetAndDestroy();
    }
  }

  /** Reads nothing more from open connections: whoever writes much to them waits for room. */
  stopReading(): void {
    for (const { client, server } of this.#links) {
      client.pause();
      server.pause();
    }
  }

  /** Says to every server that its client is done, and leaves the clients in the belief that all is well. */
  halfClose(): void {
    for (const { server } of this.#links) server.end();
  }

  /** Refuses connections and cuts the open ones. */
  async refuse(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    this.reset();
    if (server) await new Promise((resolve) => server.close(resolve));
  }

  /** Takes connections again. */
  async accept(): Promise<void> {
    if (this.#server) return;
    const server = createServer({ noDelay: true, allowHalfOpen: true }, (client) => {
      this.#link(client);
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(this.#port, '127.0.0.1', resolve);
    });
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  /** Ends it. */
  stop(): Promise<void> {
    return this.refuse();
  }

  #link(client: Socket): void {
    const server = connect({ ...this.#target, noDelay: true, allowHalfOpen: true });
    const link: Link = { client, server, hello: '' };
    this.#links.add(link);
    client.on('data', (bytes: Buffer) => {
      if (link.hello.length < HELLO_BYTES) link.hello += bytes.toString('latin1');
    });
    this.#pass(link, client, server, (bytes) => {
      if (!this.#affects(link).loseUpstream) server.write(bytes);
    });
    this.#pass(link, server, client, (bytes) => this.#answer(link, bytes));
    const end = (): void => {
      this.#links.delete(link);
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) socket.on('error', end).once('close', end);
  }

  #pass(link: Link, from: Socket, to: Socket, write: (bytes: Buffer) => Promise<void> | void): void {
    // Pieces leave in the order in which they came, each after its own delay.
    let before: Promise<void> = Promise.resolve();
    const inOrder = (act: () => Promise<void> | void): void => {
      const { delayMs } = this.#affects(link);
      const wait = delayMs === undefined ? Promise.resolve() : pause(delayMs);
      before = Promise.all([before, wait]).then(act);
    };
    from.on('data', (bytes: Buffer) => {
      inOrder(() => {
        if (to.writable) return write(bytes);
      });
    });
    from.once('end', () => {
      inOrder(() => void to.end());
    });
  }

  async #answer(link: Link, bytes: Buffer): Promise<void> {
    const { loseDownstream, garbage, dripMs } = this.#affects(link);
    if (loseDownstream) return;
    if (dripMs === undefined) link.client.write(garbage ?? bytes);
    else
      for (let at = 0; at < bytes.length; at += DRIP_BYTES) {
        if (!link.client.writable) return;
        link.client.write(bytes.subarray(at, at + DRIP_BYTES));
        await pause(dripMs);
      }
  }

  #affects({ hello }: Link): Trouble {
    const { only } = this.#trouble;
    return only && !only.test(hello) ? {} : this.#trouble;
  }
}
