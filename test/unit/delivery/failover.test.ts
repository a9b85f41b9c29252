import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Notification } from '../../../shared/contracts/index.ts';
import {
  Failover,
  Route,
  Standings,
  type Outcome,
  type Provider,
  type ProviderRefusal,
} from '../../../shared/delivery/index.ts';
import { TOO_SLOW } from '../../../shared/delivery/hanging.ts';
import { aRecord } from '../../support/records.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const never = new AbortController().signal;
/** Put off so many milliseconds ago for the first time, and once more since. */
function heldFor(ms: number): Partial<Notification> {
  const held = (agoMs: number) => ({
    at: new Date(Date.now() - agoMs),
    status: 'held' as const,
    actor: 'consumer:email',
    attempt: 1,
  });
  const claimed = { at: new Date(), status: 'sending' as const, actor: 'consumer:email', attempt: 3 };
  return {
    claimed_at: new Date(),
    timeline: [held(ms), { ...claimed, status: 'pending' }, held(ms / 4), claimed],
  };
}
const waitOf = (outcome: Outcome): number => (outcome.kind === 'deferred' ? outcome.afterMs : NaN);
const about = { code: 'c', reason: 'r' };
const sentBy = (provider: string): Outcome => ({ kind: 'sent', provider, reason: '250 ok' });
const faultOf = (provider: string): Outcome => ({
  kind: 'transient',
  provider,
  ...about,
  providerFault: true,
});

type Answer = Outcome | Provider['send'];

/** Providers that answer as the test says, in the order in which they are given. */
function failover(answers: Record<string, Answer>, refusals: Record<string, ProviderRefusal> = {}) {
  const names = Object.keys(answers);
  const asked: string[] = [];
  const provider = (name: string, answer: Answer): Provider => ({
    name,
    send: (...given) => {
      asked.push(name);
      return typeof answer === 'function' ? answer(...given) : Promise.resolve(answer);
    },
    refusalOf: () => refusals[name],
  });
  const standings = new Standings(names);
  const providers = new Map(Object.entries(answers).map(([name, answer]) => [name, provider(name, answer)]));
  const route = new Route(names.map((name) => ({ name, weight: undefined })));
  const over = new Failover({ providers, route, standings, timeoutMs: 30_000 });
  const deliver = (more: Partial<Notification> = {}, signal = never): Promise<Outcome> =>
    over.deliver(aRecord(more), signal);
  return { deliver, asked, standings };
}

test.each([
  ['sent', sentBy('a')],
  ['permanent', { kind: 'permanent', provider: 'a', ...about }],
  ['permanent, though its own fault', { kind: 'permanent', provider: 'a', ...about, providerFault: true }],
  ['ambiguous', { kind: 'ambiguous', provider: 'a', ...about, providerFault: true }],
  ['transient about the recipient', { kind: 'transient', provider: 'a', ...about }],
  ['deferred about the recipient', { kind: 'deferred', provider: 'a', ...about, afterMs: 1_000 }],
] satisfies [string, Outcome][])('%s is the answer: nobody else is asked', async (_what, outcome) => {
  const { deliver, asked } = failover({ a: outcome, b: sentBy('b') });
  expect(await deliver()).toMatchObject(outcome);
  expect(asked).toEqual(['a']);
});

test('its own fault moves on, and the answer says who was tried and why it was not them', async () => {
  const { deliver } = failover({ a: faultOf('a'), b: sentBy('b') });
  expect(await deliver()).toMatchObject({
    kind: 'sent',
    provider: 'b',
    reason: 'a: c: r; sent by b: 250 ok',
  });
});

test('one that asks all of us to wait rests alone', async () => {
  const rest: Outcome = { kind: 'deferred', provider: 'a', ...about, afterMs: 60_000, providerFault: true };
  const { deliver, asked, standings } = failover({ a: rest, b: sentBy('b') });
  expect(await deliver()).toMatchObject({ kind: 'sent', provider: 'b' });
  expect(await deliver()).toMatchObject({ reason: 'a: it is down; sent by b: 250 ok' });
  expect([asked, standings.state]).toEqual([['a', 'b', 'b'], 'closed']);
});

test('an answer of the second about the recipient is the answer', async () => {
  const { deliver } = failover({ a: faultOf('a'), b: { kind: 'permanent', provider: 'b', ...about } });
  expect(await deliver()).toMatchObject({ kind: 'permanent', provider: 'b', reason: 'a: c: r; b: r' });
});

describe('with all of them bad', () => {
  test('it is put off, and is nobody’s good outcome', async () => {
    const { deliver, standings } = failover({ a: faultOf('a'), b: faultOf('b') });
    const outcome = await deliver();
    expect(outcome).toMatchObject({ kind: 'deferred', provider: 'b', code: 'c', reason: 'a: c: r; b: c: r' });
    expect(outcome).not.toHaveProperty('isOurs');
    standings.observe(outcome);
    expect(standings.shown(0).map(({ fault_ratio }) => fault_ratio)).toEqual([1, 1]);
  });
  test('and known to be, nobody is asked', async () => {
    const { deliver, asked, standings } = failover({ a: faultOf('a'), b: faultOf('b') });
    for (let n = 0; n < 20; n += 1) await deliver();
    asked.length = 0;
    expect(await deliver()).toMatchObject({
      kind: 'deferred',
      code: 'provider_down',
      isOurs: true,
      untried: true,
    });
    expect([asked, standings.state]).toEqual([[], 'open']);
  });
});

test('each counts what it took and did not take within the hour, and what is put off has not ended', async () => {
  const { deliver, standings } = failover({ a: faultOf('a'), b: sentBy('b') });
  await deliver();
  vi.advanceTimersByTime(40 * 60_000);
  await deliver();
  const lastHours = () => standings.shown(0).map(({ last_hour }) => last_hour);
  expect(lastHours()).toEqual([
    { sent: 0, failed: 2 },
    { sent: 2, failed: 0 },
  ]);
  vi.advanceTimersByTime(21 * 60_000);
  expect(lastHours()).toEqual([
    { sent: 0, failed: 1 },
    { sent: 1, failed: 0 },
  ]);
  standings.observe({ kind: 'deferred', provider: 'b', ...about, afterMs: 1_000 });
  expect(lastHours()[1]).toEqual({ sent: 1, failed: 0 });
});

describe('with all of them at fault for one notification alone', () => {
  const isBad = ({ message }: Notification): boolean => message === 'bad';
  const mixed =
    (name: string): Provider['send'] =>
    (notification) =>
      Promise.resolve(isBad(notification) ? faultOf(name) : sentBy(name));

  test('it is put off once, and spends a rung when others went out meanwhile', async () => {
    const { deliver } = failover({ a: mixed('a'), b: mixed('b') });
    const bad = { message: 'bad' };
    await deliver();
    expect(await deliver(bad)).toMatchObject({ kind: 'deferred', code: 'c' });
    vi.advanceTimersByTime(10_000);
    // Nothing went out since: it may be an outage that has just begun.
    expect(await deliver({ ...bad, ...heldFor(9_000) })).toMatchObject({ kind: 'deferred' });
    await deliver();
    expect(await deliver({ ...bad, ...heldFor(10_000) })).toEqual({
      ...{ kind: 'transient', provider: 'b', code: 'c', reason: 'a: c: r; b: c: r', counted: true },
    });
  });
  test('and nothing going out, it is put off longer each time, up to some ten minutes', async () => {
    const { deliver } = failover({ a: faultOf('a'), b: faultOf('b') });
    const waits: number[] = [];
    for (const heldMs of [0, 60_000, 600_000, 48 * 3_600_000])
      waits.push(waitOf(await deliver(heldMs === 0 ? {} : heldFor(heldMs))));
    const [first, second, third, last] = waits;
    expect(first).toBeLessThan(10_000);
    expect(second).toBeGreaterThanOrEqual(30_000);
    expect(third).toBeGreaterThanOrEqual(300_000);
    expect(last).toBeGreaterThanOrEqual(600_000);
    expect(last).toBeLessThanOrEqual(750_000);
  });
});

test('one whose places are all taken is passed over', async () => {
  const busy: Outcome = {
    kind: 'deferred',
    provider: 'a',
    ...about,
    afterMs: 5_000,
    untried: true,
    isOurs: true,
  };
  const free = failover({ a: busy, b: sentBy('b') });
  expect(await free.deliver()).toMatchObject({ kind: 'sent', reason: 'a: c: r; sent by b: 250 ok' });
  const full = failover({ a: busy, b: { ...busy, provider: 'b' } });
  expect(await full.deliver()).toMatchObject({ kind: 'deferred', code: 'c', isOurs: true, untried: true });
});

test('while another carries, one that may be back gets two at a time, and all when one went through', async () => {
  let isDown = true;
  const going: ((outcome: Outcome) => void)[] = [];
  const { deliver, asked, standings } = failover({
    a: () => (isDown ? Promise.resolve(faultOf('a')) : new Promise((resolve) => going.push(resolve))),
    b: sentBy('b'),
  });
  for (let n = 0; n < 20; n += 1) await deliver();
  expect(standings.shown(0).map(({ breaker }) => breaker)).toEqual(['open', 'closed']);
  isDown = false;
  asked.length = 0;
  vi.advanceTimersByTime(5_000);
  const probes = [deliver(), deliver(), deliver()];
  await vi.advanceTimersByTimeAsync(0);
  expect(asked).toEqual(['a', 'a', 'b']);
  for (const end of going) end(sentBy('a'));
  expect((await Promise.all(probes)).map(({ provider }) => provider)).toEqual(['a', 'a', 'b']);
  expect(standings.shown(0)[0]).toMatchObject({ breaker: 'closed', sent: 2 });
  expect(standings.shown(0)[0]).not.toHaveProperty('down_since');
});

test('a paused one is passed over; with all paused the channel says so, and nobody is asked', async () => {
  const { deliver, asked, standings } = failover({ a: sentBy('a'), b: sentBy('b') });
  standings.pause((name) => name === 'a');
  expect(await deliver()).toMatchObject({ reason: 'a: an operator has paused it; sent by b: 250 ok' });
  standings.pause(() => true);
  expect(await deliver()).toMatchObject({ kind: 'deferred', isOurs: true });
  expect(asked).toEqual(['b']);
});

test('one that only a paused one could take waits a minute, and longer each time', async () => {
  const { deliver, standings } = failover({ a: sentBy('a'), b: sentBy('b') });
  standings.pause((name) => name === 'a');
  const first = await deliver({ via: 'a' });
  expect(first).toMatchObject({ kind: 'deferred', isOurs: true, untried: true });
  expect(waitOf(first)).toBeGreaterThanOrEqual(60_000);
  const later = await deliver({ via: 'a', ...heldFor(600_000) });
  expect(later).toMatchObject({ kind: 'deferred', isOurs: true });
  expect(waitOf(later)).toBeGreaterThanOrEqual(300_000);
});

describe('one that never comes back', () => {
  const hangs = (): Promise<Outcome> => new Promise(() => undefined);

  test('is ambiguous under its own name, and its fault', async () => {
    const { deliver, standings } = failover({ a: faultOf('a'), b: hangs });
    const time = new AbortController();
    const outcome = deliver({}, time.signal);
    await vi.advanceTimersByTimeAsync(0);
    time.abort(TOO_SLOW);
    await vi.advanceTimersByTimeAsync(500);
    expect(await outcome).toMatchObject({ kind: 'ambiguous', provider: 'b', code: 'timeout' });
    expect(standings.shown(0)[1]).toMatchObject({ name: 'b', fault_ratio: 1 });
  });
  test('is asked to give up early while there is another, and the last one is not', async () => {
    const patience: (AbortSignal | undefined)[] = [];
    const { deliver } = failover({
      a: (_one, _signal, given) => (patience.push(given), Promise.resolve(faultOf('a'))),
      b: (_one, _signal, given) => (patience.push(given), Promise.resolve(sentBy('b'))),
    });
    await deliver();
    expect([patience[0] instanceof AbortSignal, patience[1]]).toEqual([true, undefined]);
    // No timer is left that would keep the mail.
    expect(vi.getTimerCount()).toBe(0);
  });
  test('is not asked to give up where nobody behind it could take over', async () => {
    const patience: (AbortSignal | undefined)[] = [];
    const { deliver, standings } = failover({
      a: (_one, _signal, given) => (patience.push(given), Promise.resolve(sentBy('a'))),
      b: sentBy('b'),
    });
    standings.pause((name) => name === 'b');
    await deliver();
    expect(patience).toEqual([undefined]);
  });
  test('is told after its share of the time', async () => {
    const { deliver } = failover({
      a: (_one, _signal, given) =>
        new Promise((resolve) => {
          given?.addEventListener('abort', () => {
            resolve(faultOf('a'));
          });
        }),
      b: sentBy('b'),
    });
    const outcome = deliver();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await outcome).toMatchObject({ kind: 'sent', provider: 'b' });
  });
});

test('a claim that was lost ends it: nobody else is asked, and nothing is counted', async () => {
  const { deliver, asked, standings } = failover({ a: faultOf('a'), b: sentBy('b') });
  await deliver({}, AbortSignal.abort(new Error('somebody else took the claim over')));
  expect([asked, standings.shown(0)[0]?.fault_ratio]).toEqual([['a'], 0]);
});

describe('one that can never take it', () => {
  const refusal = { code: 'carrier_missing', reason: 'carrier is needed' };

  test('is passed over', async () => {
    const { deliver, asked } = failover({ a: sentBy('a'), b: sentBy('b') }, { a: refusal });
    expect(await deliver()).toMatchObject({ reason: 'a: carrier is needed; sent by b: 250 ok' });
    expect(asked).toEqual(['b']);
  });
  test('makes it permanent where nobody can', async () => {
    const { deliver } = failover({ a: sentBy('a'), b: sentBy('b') }, { a: refusal, b: refusal });
    expect(await deliver()).toMatchObject({ kind: 'permanent', code: 'carrier_missing', untried: true });
  });
});

describe('one that the sender has chosen', () => {
  test('gets it, or nobody does', async () => {
    const { deliver, asked } = failover({ a: sentBy('a'), b: faultOf('b') });
    expect(await deliver({ via: 'b' })).toMatchObject({ kind: 'transient', provider: 'b' });
    expect(asked).toEqual(['b']);
  });
  test('and is not there any more, is a dead letter that says so', async () => {
    const { deliver } = failover({ a: sentBy('a') });
    expect(await deliver({ via: 'b' })).toMatchObject({ kind: 'permanent', code: 'provider_not_configured' });
  });
});

test('weights share by turns; behind the chosen one come the others', () => {
  const route = new Route([
    { name: 'a', weight: 3 },
    { name: 'b', weight: 1 },
    { name: 'c', weight: undefined },
  ]);
  const orders = Array.from({ length: 8 }, () => route.next().join(''));
  expect(orders.filter((order) => order.startsWith('a'))).toHaveLength(6);
  expect(new Set(orders)).toEqual(new Set(['abc', 'bac']));
});
