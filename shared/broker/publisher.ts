import { IllegalOperationError, type ConfirmChannel, type Message as AmqpMessage } from 'amqplib';
import { SECOND } from '../runtime/duration.ts';
import { toError } from '../runtime/errors.ts';
import type { Logger } from '../runtime/logger.ts';
import { ChannelKeeper } from './channel-keeper.ts';
import type { BrokerConnection } from './connection.ts';
import { Slots } from './slots.ts';

/** How long a confirm may take, in milliseconds. After it nobody knows whether the broker has the message: the relay decides. */
const CONFIRM_TIMEOUT_MS = 5 * SECOND;
/** Publishes that may wait for their confirm at once; the broker gains nothing above it. */
const MAX_IN_FLIGHT = 1_000;

/** Why a publish is not known to be safe. `invalid`: AMQP cannot carry the message, so another try would fail as well. */
export type PublishFailure = 'unavailable' | 'unroutable' | 'refused' | 'invalid' | 'unknown';

/** A message that RabbitMQ did not confirm. With `unknown` it may have arrived all the same. */
export class PublishError extends Error {
  override readonly name = 'PublishError';
  readonly failure: PublishFailure;

  constructor(failure: PublishFailure, detail: string) {
    super(`${failure}: ${detail}`);
    this.failure = failure;
  }
}

/** One message to publish. */
export interface Outgoing {
  exchange: string;
  key: string;
  /** Sent as JSON; bytes as they are. */
  body: object | Buffer;
  messageId: string;
  headers?: Readonly<Record<string, string>>;
}

interface InFlight {
  returned: boolean;
  settle: (error?: PublishError) => void;
}

/**
 * Publishes persistent, mandatory messages and waits for the broker's confirm of each, on a connection of its own. Bounded in flight;
 * waits while the socket is full.
 */
export class Publisher {
  readonly #connection: BrokerConnection;
  readonly #keeper: ChannelKeeper<ConfirmChannel>;
  readonly #slots = new Slots(MAX_IN_FLIGHT);
  readonly #inFlight = new Map<string, InFlight>();
  readonly #confirmTimeoutMs: number;
  readonly #onUnroutable: (() => void) | undefined;
  #sequence = 0;

  constructor(options: {
    connection: BrokerConnection;
    log: Logger;
    confirmTimeoutMs?: number;
    onUnroutable?: () => void;
  }) {
    this.#onUnroutable = options.onUnroutable;
    this.#connection = options.connection;
    this.#confirmTimeoutMs = options.confirmTimeoutMs ?? CONFIRM_TIMEOUT_MS;
    this.#keeper = new ChannelKeeper({
      connection: options.connection,
      log: options.log,
      purpose: 'publish',
      open: (model) => model.createConfirmChannel(),
      prepare: (channel) => this.#prepare(channel),
    });
  }

  /** Opens the channel now and after every reconnect. */
  start(): void {
    this.#keeper.start();
  }

  /** Waits for the confirms under way, then closes. */
  async stop(): Promise<void> {
    await this.#slots.idle();
    await this.#keeper.stop();
  }

  /** Whether a publish would be attempted at all. */
  get available(): boolean {
    return this.#keeper.channel !== undefined && this.#connection.blocked === undefined;
  }

  /**
   * Resolves when the broker has the message on disk.
   * @throws PublishError otherwise, also when no queue takes it.
   */
  async publish(outgoing: Outgoing): Promise<void> {
    // Fail fast: the record is in the store already, and the relay publishes it later.
    if (!this.available) throw new PublishError('unavailable', this.#connection.blocked ?? 'not connected');
    await this.#slots.acquire();
    try {
      await this.#publishNow(outgoing);
    } finally {
      this.#slots.release();
    }
  }

  /** Sends without waiting, and without a promise that it arrives: for wake-up calls whose loss is no loss. */
  announce(exchange: string, key: string, body: object): void {
    if (!this.available) return;
    try {
      this.#keeper.channel?.publish(exchange, key, Buffer.from(JSON.stringify(body)), { persistent: false });
    } catch {
      // The channel closed under us; listeners poll as well.
    }
  }

  async #publishNow(outgoing: Outgoing): Promise<void> {
    const channel = this.#keeper.channel;
    if (!channel) throw new PublishError('unavailable', 'not connected');
    const correlationId = String((this.#sequence += 1));
    try {
      await this.#confirmed(channel, outgoing, correlationId);
    } finally {
      this.#inFlight.delete(correlationId);
    }
  }

  #confirmed(channel: ConfirmChannel, outgoing: Outgoing, correlationId: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const entry: InFlight = {
        returned: false,
        settle: (error) => {
          clearTimeout(timer);
          if (error) reject(error);
          else resolve();
        },
      };
      const timer = setTimeout(() => {
        entry.settle(new PublishError('unknown', `no confirm within ${this.#confirmTimeoutMs} ms`));
        // Whatever else waits on this channel is as unsure; a fresh one starts clean.
        channel.close().catch(() => undefined);
      }, this.#confirmTimeoutMs);
      this.#inFlight.set(correlationId, entry);
      this.#send(channel, outgoing, correlationId, entry);
    });
  }

  #send(channel: ConfirmChannel, outgoing: Outgoing, correlationId: string, entry: InFlight): void {
    const { exchange, key, body, messageId, headers = {} } = outgoing;
    const options = {
      persistent: true,
      mandatory: true,
      contentType: 'application/json',
      messageId,
      correlationId,
      headers,
    };
    this.#connection.coalesce();
    try {
      const more = channel.publish(exchange, key, bytesOf(body), options, (error: unknown) => {
        entry.settle(outcomeOf(error, entry.returned, outgoing));
      });
      if (!more) this.#pauseUntilDrained(channel);
    } catch (thrown) {
      const failure = thrown instanceof IllegalOperationError ? 'unavailable' : 'invalid';
      entry.settle(new PublishError(failure, toError(thrown).message));
    }
  }

  #pauseUntilDrained(channel: ConfirmChannel): void {
    this.#slots.pause();
    const resume = (): void => {
      channel.off('drain', resume);
      channel.off('close', resume);
      this.#slots.resume();
    };
    // A dying channel never drains.
    channel.once('drain', resume).once('close', resume);
  }

  #prepare(channel: ConfirmChannel): Promise<void> {
    // A return comes before the confirm of the same message, which then carries no error.
    channel.on('return', (message: AmqpMessage) => {
      const entry = this.#inFlight.get(String(message.properties.correlationId));
      if (!entry) return;
      entry.returned = true;
      this.#onUnroutable?.();
    });
    channel.once('close', () => {
      for (const entry of this.#inFlight.values())
        entry.settle(new PublishError('unknown', 'channel closed'));
    });
    return Promise.resolve();
  }
}

function bytesOf(body: object | Buffer): Buffer {
  return Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
}

function outcomeOf(error: unknown, returned: boolean, outgoing: Outgoing): PublishError | undefined {
  if (returned)
    return new PublishError('unroutable', `no queue takes ${outgoing.key} of ${outgoing.exchange}`);
  if (error === null || error === undefined) return undefined;
  const { message } = toError(error);
  return new PublishError(/closed/.test(message) ? 'unknown' : 'refused', message);
}
