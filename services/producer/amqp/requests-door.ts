import { setMaxListeners } from 'node:events';
import {
  PublishError,
  REQUESTS_QUEUE,
  type Broker,
  type Consumer,
  type Delivery,
} from '../../../shared/broker/index.ts';
import { pause, untilDone } from '../../../shared/runtime/backoff.ts';
import { SECOND } from '../../../shared/runtime/duration.ts';
import { toError } from '../../../shared/runtime/errors.ts';
import type { CheckResult } from '../../../shared/runtime/health.ts';
import type { Logger } from '../../../shared/runtime/logger.ts';
import type { Acceptor } from '../accept/acceptor.ts';
import type { Reception } from '../accept/reception.ts';
import { TokenBuckets } from '../access/token-buckets.ts';
import { acceptedAnswer } from '../api/notifications.ts';
import { problemOf, type Problem } from '../api/problem.ts';
import { TRIES, isRefusal, reasonToShut, type Shut } from './failures.ts';
import { parkRequest, reasonOf } from './park.ts';
import { readRequested, senderOf } from './read.ts';

/** Requests in hand at most, enough for them to share writes. Each may be as large as RabbitMQ takes it: its `max_message_size`. */
const PREFETCH = 20;
/** A queue that holds requests while nothing arrives for so long is not being consumed. Milliseconds. */
const STALLED_AFTER_MS = 30 * SECOND;

/** What `/readyz` says while nothing is consumed; a drain is as it should be. */
const SHUT: Readonly<Record<Shut, CheckResult>> = {
  store: { ok: false, detail: 'taking requests is paused: MongoDB cannot be reached' },
  refused: { ok: false, detail: 'taking requests is paused: MongoDB refuses to store them' },
  stopped: { ok: true, detail: 'requests wait: an operator drains the fleet' },
};

/** What the door works with. */
export interface RequestsDoorOptions {
  broker: Broker;
  acceptor: Acceptor;
  reception: Reception;
  /** Requests that one sender hands over in a second at most; 0: no limit. */
  perSecond: number;
  log: Logger;
}

/**
 * AMQP as a way in: takes requests that other services publish, by the same reception as any other. One is acknowledged when it is stored, or
 * when a copy of it is parked with the reason. What cannot be had now (MongoDB, accepting at all) is waited for, and nothing is consumed meanwhile.
 */
export class RequestsDoor {
  readonly #options: RequestsDoorOptions;
  readonly #consumer: Consumer;
  readonly #turns: TokenBuckets | undefined;
  readonly #stopping = new AbortController();
  readonly #inHand = new Set<Promise<void>>();
  /** Why nothing is consumed; undefined while it is. */
  #shut: Shut | undefined;

  constructor(options: RequestsDoorOptions) {
    this.#options = options;
    // Each that waits for something listens for the end.
    setMaxListeners(0, this.#stopping.signal);
    this.#turns = options.perSecond === 0 ? undefined : new TokenBuckets(options.perSecond);
    this.#consumer = options.broker.consumer({
      queue: REQUESTS_QUEUE,
      prefetch: PREFETCH,
      onDelivery: (delivery) => {
        const work = this.#settle(delivery).finally(() => {
          this.#inHand.delete(work);
          // With none left there is nobody to find out that it can go on: the next one does.
          if (this.#inHand.size === 0) void this.#reopen();
        });
        this.#inHand.add(work);
        return work;
      },
    });
  }

  /** Begins to consume. */
  start(): void {
    this.#consumer.start();
  }

  /** Consumes no more, and brings what is being stored to its end; RabbitMQ takes back what waits for something. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#consumer.pause();
    await Promise.allSettled(this.#inHand);
    await this.#consumer.stop();
  }

  /** Whether requests are taken. */
  async check(): Promise<CheckResult> {
    if (this.#shut !== undefined) return SHUT[this.#shut];
    const { consumerTag, lastDeliveryAt } = this.#consumer;
    if (consumerTag === undefined) return { ok: false, detail: `${REQUESTS_QUEUE} is not consumed` };
    if (this.#inHand.size > 0 || Date.now() - lastDeliveryAt < STALLED_AFTER_MS) return { ok: true };
    const depth = await this.#options.broker.depth(REQUESTS_QUEUE);
    if (depth === undefined || depth === 0) return { ok: true };
    return { ok: false, detail: `${REQUESTS_QUEUE} holds ${depth} requests, and none comes` };
  }

  /** Takes one to its end, which is its acknowledgement; without one it comes again. @throws what keeps it from being parked with its reason. */
  async #settle(delivery: Delivery): Promise<void> {
    const isDone = await this.#take(delivery).catch((thrown: unknown) =>
      this.#park(delivery, problemOf(thrown, this.#options.log)),
    );
    if (isDone) delivery.ack();
  }

  /** Resolves with true when it is stored. @throws Problem when it is refused, and what has failed too often. */
  async #take(delivery: Delivery): Promise<boolean> {
    // Before it is read: what is wrong costs as much as what is right.
    await this.#turnOf(senderOf(delivery));
    let unforeseen = 0;
    return this.#patiently(
      delivery,
      () => this.#accept(delivery),
      async (thrown) => {
        if (isRefusal(thrown)) throw thrown;
        const reason = reasonToShut(thrown);
        // MongoDB comes back, and a drain ends; of all else nobody knows.
        if (reason !== 'store' && reason !== 'stopped') unforeseen += 1;
        if (unforeseen === TRIES) throw thrown;
        if (reason) await this.#shutFor(reason, thrown);
        else this.#options.log.warn('a request failed, and is tried again', { error: toError(thrown) });
      },
    );
  }

  async #accept(delivery: Delivery): Promise<void> {
    const { acceptor, reception } = this.#options;
    const { request, handover } = readRequested(delivery);
    // As a batch does: while RabbitMQ is behind with what was accepted, this can wait.
    const received = await acceptor.bulk(1, () => reception.receive(request, handover));
    await this.#reopen();
    acceptedAnswer(request.type, received);
  }

  /** Resolves with true when a copy of it lies where operators look. */
  async #park(delivery: Delivery, problem: Problem): Promise<boolean> {
    const { broker, log } = this.#options;
    const { messageId } = delivery.properties;
    const reason = reasonOf(problem);
    log.warn('request parked', {
      sender: senderOf(delivery),
      message_id: messageId,
      code: problem.code,
      reason,
    });
    return this.#patiently(
      delivery,
      () => parkRequest(broker.publisher, delivery, problem),
      (thrown) => {
        // Without RabbitMQ it waits. What the client library refuses would fail each time: the broker's own dead lettering parks it.
        if (!(thrown instanceof PublishError) || thrown.failure === 'invalid') throw thrown;
      },
    );
  }

  /** Repeats until it works; false when we stop before. Whatever has gone back to its queue is left to whom it comes next. */
  async #patiently(
    delivery: Delivery,
    work: () => Promise<void>,
    onFailure?: (thrown: unknown) => Promise<void> | void,
  ): Promise<boolean> {
    const { signal } = this.#stopping;
    const isDone = await untilDone(
      async () => {
        if (!delivery.isLost()) await work();
        return true;
      },
      { signal, ...(onFailure && { onFailure }) },
    );
    return isDone === true;
  }

  /** Whoever sends more than it may waits, and is not refused: its queue is there for that. */
  async #turnOf(sender: string): Promise<void> {
    const waitMs = this.#turns?.reserve(sender) ?? 0;
    if (waitMs > 0) await pause(waitMs, this.#stopping.signal);
  }

  /** Consumes nothing while this is so. */
  async #shutFor(reason: Shut, thrown: unknown): Promise<void> {
    if (this.#shut === reason) return;
    this.#shut = reason;
    this.#options.log.warn('requests wait', { reason, error: toError(thrown) });
    await this.#consumer.pause();
  }

  async #reopen(): Promise<void> {
    if (this.#shut === undefined || this.#stopping.signal.aborted) return;
    this.#shut = undefined;
    this.#options.log.info('requests are taken again');
    await this.#consumer.resume();
  }
}
