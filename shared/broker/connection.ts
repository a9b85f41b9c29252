import { connect, credentials, type ChannelModel } from 'amqplib';
import { EventEmitter } from 'node:events';
import { Socket } from 'node:net';
import { pause, reconnectDelay } from '../runtime/backoff.ts';
import { connectionAdvice } from '../runtime/connection-advice.ts';
import { SECOND } from '../runtime/duration.ts';
import { toError } from '../runtime/errors.ts';
import type { Logger } from '../runtime/logger.ts';
import { rabbitmqUrlOf, type RabbitmqNodeUrl } from '../runtime/rabbitmq-url.ts';

/** Seconds between heartbeats; amqplib gives a silent peer up after three. */
const HEARTBEAT_SECONDS = 10;
/** How long one attempt to connect may take, in milliseconds. */
const CONNECT_TIMEOUT_MS = 5 * SECOND;

/** A connection that was up for so long, in milliseconds, is not one that ends again and again. */
const STEADY_AFTER_MS = 10 * SECOND;

/** What a connection tells: `up` with the fresh amqplib connection, `down` when it is gone. */
interface ConnectionEvents {
  up: [ChannelModel];
  down: [];
}

/**
 * One connection to RabbitMQ that comes back by itself: it never gives up, waits with jitter between attempts, and logs each phase once.
 * amqplib does not restore channels or consumers, so whoever needs them makes them anew on every `up`.
 */
export class BrokerConnection extends EventEmitter<ConnectionEvents> {
  readonly name: string;
  readonly #nodes: readonly [RabbitmqNodeUrl, ...RabbitmqNodeUrl[]];
  readonly #log: Logger;
  readonly #closing = new AbortController();
  /** Which node is tried next; a fleet's connections spread over the nodes. */
  #next: number;
  #model: ChannelModel | undefined;
  #isCorked = false;
  /** Somebody wrote again since the socket was corked. */
  #isAsked = false;
  #blocked: string | undefined;
  #loop: Promise<void> | undefined;

  constructor(options: { url: string; name: string; log: Logger }) {
    super();
    this.setMaxListeners(0);
    this.name = options.name;
    const [first, ...others] = rabbitmqUrlOf(options.url).nodes;
    this.#nodes = [withHeartbeat(first), ...others.map(withHeartbeat)];
    this.#next = Math.floor(Math.random() * this.#nodes.length);
    this.#log = options.log;
  }

  /** The amqplib connection while it is up. */
  get model(): ChannelModel | undefined {
    return this.#model;
  }

  /** Why the broker holds this connection's publishes back (an alarm), if it does. */
  get blocked(): string | undefined {
    return this.#blocked;
  }

  /**
   * What is written from now until two turns of the event loop later leaves in one piece: amqplib would make a system call, and a packet, of
   * every frame.
   */
  coalesce(): void {
    const socket = this.#model && socketOf(this.#model);
    if (!socket) return;
    this.#isAsked = true;
    if (!this.#isCorked) this.#cork(socket);
  }

  #cork(socket: Socket): void {
    this.#isCorked = true;
    this.#isAsked = false;
    socket.cork();
    const uncork = (): void => {
      socket.uncork();
      this.#isCorked = false;
      if (this.#isAsked) this.#cork(socket);
    };
    // amqplib itself passes frames on to the socket in the next turn.
    setImmediate(() => setImmediate(uncork));
  }

  /** Starts connecting in the background; `up` says when it is there. */
  start(): void {
    this.#loop ??= this.#keepConnected();
  }

  /** Closes for good. */
  async stop(): Promise<void> {
    this.#closing.abort();
    // A blocked or cut connection may never answer the close; its socket ends with the process.
    await Promise.race([this.#model?.close().catch(() => undefined), pause(SECOND)]);
    await this.#loop;
  }

  async #keepConnected(): Promise<void> {
    let failures = 0;
    for (let attempt = 0; !this.#closing.signal.aborted; attempt += 1) {
      const startedAt = performance.now();
      const model = await this.#tryConnect(failures);
      if (model) await this.#untilClosed(model);
      failures = model ? 0 : failures + 1;
      // A broker that ends each connection at once is tried with growing pauses, like one that takes none.
      if (model && performance.now() - startedAt > STEADY_AFTER_MS) attempt = 0;
      await pause(reconnectDelay(attempt), this.#closing.signal);
    }
  }

  async #tryConnect(failures: number): Promise<ChannelModel | undefined> {
    try {
      const model = await connectTo(this.#nextNode(), {
        noDelay: true,
        timeout: CONNECT_TIMEOUT_MS,
        clientProperties: { connection_name: this.name },
      });
      if (this.#closing.signal.aborted) await model.close();
      return this.#closing.signal.aborted ? undefined : model;
    } catch (thrown) {
      // One round over the nodes says why; the attempts after it would only repeat it.
      if (failures < this.#nodes.length)
        this.#log.warn('RabbitMQ cannot be reached; trying on', {
          connection: this.name,
          error: toError(thrown),
          advice: connectionAdvice(thrown, 'RABBITMQ_URL')?.words,
        });
      return undefined;
    }
  }

  #nextNode(): RabbitmqNodeUrl {
    this.#next = (this.#next + 1) % this.#nodes.length;
    return this.#nodes[this.#next] ?? this.#nodes[0];
  }

  async #untilClosed(model: ChannelModel): Promise<void> {
    // An administrator's close emits `close` only, a cut emits `error` first: `close` is the one to rely on.
    const closed = new Promise<void>((resolve) => model.once('close', resolve));
    model.on('error', (error: unknown) => {
      this.#log.warn('RabbitMQ connection failed', { connection: this.name, error: toError(error) });
    });
    model.on('blocked', (reason: unknown) => {
      this.#blocked = String(reason);
      this.#log.warn('RabbitMQ holds publishes back', { connection: this.name, reason: this.#blocked });
    });
    model.on('unblocked', () => {
      this.#blocked = undefined;
      this.#log.info('RabbitMQ takes publishes again', { connection: this.name });
    });
    this.#model = model;
    this.#log.info('connected to RabbitMQ', { connection: this.name });
    this.emit('up', model);
    await closed;
    this.#model = undefined;
    this.#blocked = undefined;
    this.emit('down');
    if (!this.#closing.signal.aborted) this.#log.warn('RabbitMQ connection lost', { connection: this.name });
  }
}

/** The socket of a connection, which amqplib's types do not show. */
function socketOf({ connection }: ChannelModel): Socket | undefined {
  const { stream } = connection as { stream?: unknown };
  return stream instanceof Socket ? stream : undefined;
}

/** Connects to one node. amqplib by itself reads user and password as Latin-1, which breaks those outside ASCII. */
export function connectTo(
  { url, user, password }: RabbitmqNodeUrl,
  options: { noDelay?: boolean; timeout: number; clientProperties?: { connection_name: string } },
): Promise<ChannelModel> {
  return connect(url, { ...options, credentials: credentials.plain(user, password) });
}

function withHeartbeat(node: RabbitmqNodeUrl): RabbitmqNodeUrl {
  const parsed = new URL(node.url);
  if (!parsed.searchParams.has('heartbeat')) parsed.searchParams.set('heartbeat', String(HEARTBEAT_SECONDS));
  return { ...node, url: parsed.toString() };
}
