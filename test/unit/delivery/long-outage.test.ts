import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { canGo, type Notification, type Status } from '../../../shared/contracts/index.ts';
import { Failover, Route, Standings, decide, type Outcome } from '../../../shared/delivery/index.ts';
import { afterFault } from '../../../shared/delivery/nobody-took-it.ts';
import { aRecord } from '../../support/records.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const LADDER = [30 * SECOND, 2 * MINUTE, 10 * MINUTE, 30 * MINUTE, HOUR];
const never = new AbortController().signal;

beforeEach(() => {
  vi.useFakeTimers({ now: new Date('2030-01-01T00:00:00Z') });
});
afterEach(() => {
  vi.useRealTimers();
});

/** What one provider answers now. */
type Answer = (record: Notification) => Outcome;

const refusedBy = (provider: string): Outcome => ({
  ...{ kind: 'transient', provider, code: 'ECONNREFUSED', reason: 'connect ECONNREFUSED' },
  ...{ providerFault: true, seen: false },
});

/**
 * A channel without its stores: records live in memory and come back when they are due, by a clock that the test moves. What decides is the
 * real code: failover, breaker and decision.
 */
class Simulation {
  readonly records: Notification[] = [];
  readonly #failover: Failover;
  readonly #standings: Standings;

  constructor(answers: Record<string, Answer>) {
    const names = Object.keys(answers);
    this.#standings = new Standings(names);
    this.#failover = new Failover({
      providers: new Map(
        Object.entries(answers).map(([name, answer]) => [
          name,
          { name, send: (record: Notification) => Promise.resolve(answer(record)) },
        ]),
      ),
      route: new Route(names.map((name) => ({ name, weight: undefined }))),
      standings: this.#standings,
      timeoutMs: 30 * SECOND,
    });
  }

  accept(): void {
    const timeline = [{ at: new Date(), status: 'pending' as const, actor: 'api' }];
    this.records.push(aRecord({ timeline }));
  }

  /** Every so often, all that is due and may start is delivered. */
  async run(forMs: number, everyMs = SECOND): Promise<void> {
    for (let passed = 0; passed < forMs; passed += everyMs) {
      await vi.advanceTimersByTimeAsync(everyMs);
      for (const record of this.#due()) {
        if (this.#standings.free(0) <= 0) break;
        await this.#deliver(record);
      }
    }
  }

  count(status: Status): number {
    return this.records.filter((record) => record.status === status).length;
  }

  #due(): Notification[] {
    const now = Date.now();
    return this.records.filter(
      ({ status, next_retry_time: at }) =>
        status === 'pending' || ((status === 'held' || status === 'failed') && at && at.getTime() <= now),
    );
  }

  async #deliver(record: Notification): Promise<void> {
    const actor = 'consumer:email';
    const attempt = record.attempt + 1;
    Object.assign(record, { status: 'sending', attempt, claimed_at: new Date() });
    record.timeline.push({ at: new Date(), status: 'sending', actor, attempt });
    const tried = await this.#failover.deliver(record, never);
    const outcome = afterFault(record, tried, this.#standings);
    const { result } = decide(record, outcome, { delays: LADDER, actor, now: new Date() });
    expect(canGo('sending', result.status)).toBe(true);
    const { status, delayMs, set, countsAsHold = true } = result;
    Object.assign(record, { ...set, status });
    if (delayMs !== undefined) record.next_retry_time = new Date(Date.now() + delayMs);
    if (status !== 'held') delete record.held_since;
    else if (countsAsHold) record.held_since ??= new Date();
    record.timeline.push({ at: new Date(), status, actor, attempt });
  }
}

const outages: [string, (isDown: () => boolean) => Record<string, Answer>][] = [
  [
    'a mail server that refuses connections',
    (isDown) => ({ smtp: () => (isDown() ? refusedBy('smtp') : { kind: 'sent', provider: 'smtp' }) }),
  ],
  [
    'an API that answers 500',
    (isDown) => ({
      twilio: () =>
        isDown()
          ? { kind: 'transient', provider: 'twilio', code: 'http_500', reason: 'oops', providerFault: true }
          : { kind: 'sent', provider: 'twilio' },
    }),
  ],
  [
    'an API that asks to wait one second, again and again',
    (isDown) => ({
      twilio: () =>
        isDown()
          ? {
              ...{ kind: 'deferred', provider: 'twilio', code: '20429', reason: 'too many' },
              ...{ afterMs: SECOND, providerFault: true },
            }
          : { kind: 'sent', provider: 'twilio' },
    }),
  ],
  [
    'two mail servers at once',
    (isDown) => ({
      smtp: () => (isDown() ? refusedBy('smtp') : { kind: 'sent', provider: 'smtp' }),
      smtp_backup: () => (isDown() ? refusedBy('smtp_backup') : { kind: 'sent', provider: 'smtp_backup' }),
    }),
  ],
];

describe.each(outages)('an outage of %s', (_what, answers) => {
  test('of 3 hours at 10 notifications an hour dead-letters nothing, and all are delivered after it', async () => {
    let isDown = true;
    const simulation = new Simulation(answers(() => isDown));
    for (let count = 0; count < 30; count += 1) {
      simulation.accept();
      await simulation.run(6 * MINUTE);
    }
    expect(simulation.count('failed_permanently') + simulation.count('failed')).toBe(0);
    isDown = false;
    await simulation.run(15 * MINUTE);
    expect(simulation.count('sent')).toBe(30);
    expect(simulation.records.every(({ retry_count }) => retry_count === 0)).toBe(true);
    // Each deferral lasts longer: a timeline holds dozens of entries, not thousands.
    expect(Math.max(...simulation.records.map(({ timeline }) => timeline.length))).toBeLessThan(120);
  });

  test('of more than 72 hours ends as a dead letter', async () => {
    const simulation = new Simulation(answers(() => true));
    simulation.accept();
    await simulation.run(71 * HOUR, 20 * SECOND);
    expect(simulation.count('held')).toBe(1);
    await simulation.run(2 * HOUR, 20 * SECOND);
    expect(simulation.count('failed_permanently')).toBe(1);
    expect(simulation.records[0]).toMatchObject({ retry_count: 0 });
  });
});

test('connections that a mail server refuses beside others spend no retry, however many one notification meets', async () => {
  const simulation: Simulation = new Simulation({
    smtp: (record) =>
      simulation.records.indexOf(record) % 5 === 0 && record.attempt <= 10
        ? refusedBy('smtp')
        : { kind: 'sent', provider: 'smtp' },
  });
  for (let count = 0; count < 30; count += 1) {
    simulation.accept();
    await simulation.run(10 * SECOND);
  }
  await simulation.run(HOUR, 5 * SECOND);
  expect(simulation.count('sent')).toBe(30);
  expect(simulation.records.every(({ retry_count }) => retry_count === 0)).toBe(true);
});

test('one notification that an API fails at, while it takes others, spends its retries and becomes a dead letter', async () => {
  const simulation: Simulation = new Simulation({
    twilio: (record) =>
      record === simulation.records[0]
        ? { kind: 'transient', provider: 'twilio', code: 'http_500', reason: 'oops', providerFault: true }
        : { kind: 'sent', provider: 'twilio' },
  });
  for (let count = 0; count < 60; count += 1) {
    simulation.accept();
    await simulation.run(3 * MINUTE, 5 * SECOND);
  }
  expect(simulation.count('sent')).toBe(59);
  expect(simulation.records[0]).toMatchObject({ status: 'failed_permanently', retry_count: 5 });
});
