import type { Channel, ChannelModel } from 'amqplib';
import { pause, reconnectDelay } from '../runtime/backoff.ts';
import { SECOND } from '../runtime/duration.ts';
import { toError } from '../runtime/errors.ts';
import type { Logger } from '../runtime/logger.ts';
import { closeChannel } from './close-channel.ts';
import type { BrokerConnection } from './connection.ts';

/** A channel that was open for so long, in milliseconds, is not one that closes again and again. */
const STEADY_AFTER_MS = 10 * SECOND;

/** How a channel is made and prepared. */
export interface ChannelKeeperOptions<C extends Channel> {
  connection: BrokerConnection;
  log: Logger;
  /** What the channel is for, in log lines. */
  purpose: string;
  /** Makes the channel on a fresh connection. */
  open: (model: ChannelModel) => Promise<C>;
  /** Prepares it: declarations, listeners, consumers. A throw is logged and tried again. */
  prepare: (channel: C, model: ChannelModel) => Promise<void>;
}

/**
 * Keeps one channel open for as long as the connection is up: the server may close a channel by itself (404, 406, acknowledgement time-out),
 * and amqplib never restores one.
 */
export class ChannelKeeper<C extends Channel> {
  readonly #options: ChannelKeeperOptions<C>;
  readonly #onUp = (model: ChannelModel): void => {
    void this.#keepOpen(model);
  };
  #channel: C | undefined;
  /** The channel that is open, prepared or not. */
  #current: C | undefined;
  #stopped = false;

  constructor(options: ChannelKeeperOptions<C>) {
    this.#options = options;
  }

  /** The prepared channel, while there is one. */
  get channel(): C | undefined {
    return this.#channel;
  }

  /** Opens the channel now, if the connection is up, and after every reconnect. */
  start(): void {
    this.#options.connection.on('up', this.#onUp);
    if (this.#options.connection.model) this.#onUp(this.#options.connection.model);
  }

  /** Closes the channel for good. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#options.connection.off('up', this.#onUp);
    if (this.#current) await closeChannel(this.#current);
  }

  async #keepOpen(model: ChannelModel): Promise<void> {
    for (let attempt = 0; this.#isCurrent(model); attempt += 1) {
      const openedAt = performance.now();
      const opened = await this.#openOnce(model);
      await opened?.closed;
      // What is closed again at once is tried with growing pauses, like what does not open.
      if (performance.now() - openedAt > STEADY_AFTER_MS) attempt = 0;
      if (this.#isCurrent(model)) await pause(reconnectDelay(attempt));
    }
  }

  #isCurrent(model: ChannelModel): boolean {
    return !this.#stopped && this.#options.connection.model === model;
  }

  async #openOnce(model: ChannelModel): Promise<{ closed: Promise<void> } | undefined> {
    const { log, purpose, open, prepare } = this.#options;
    try {
      const channel = await open(model);
      const closed = this.#watch(channel);
      // Stopped while it was being opened or prepared.
      if (!this.#stopped) await prepare(channel, model);
      if (this.#stopped) await closeChannel(channel);
      else if (this.#current === channel) this.#channel = channel;
      return { closed };
    } catch (thrown) {
      if (!this.#stopped)
        log.warn('a RabbitMQ channel could not be opened', { purpose, error: toError(thrown) });
      if (this.#current) await closeChannel(this.#current);
      return undefined;
    }
  }

  /** Resolves when the channel is closed, and forgets it then. */
  #watch(channel: C): Promise<void> {
    const { log, purpose } = this.#options;
    this.#current = channel;
    channel.on('error', (error: unknown) => {
      log.warn('RabbitMQ closed a channel', { purpose, error: toError(error) });
    });
    return new Promise((resolve) =>
      channel.once('close', () => {
        if (this.#current === channel) this.#current = undefined;
        if (this.#channel === channel) this.#channel = undefined;
        resolve();
      }),
    );
  }
}
