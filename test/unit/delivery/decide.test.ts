import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canGo } from '../../../shared/contracts/index.ts';
import { MAX_HOLD_MS, decide, type Outcome } from '../../../shared/delivery/index.ts';
import { aRecord } from '../../support/records.ts';

const now = new Date('2030-01-01T00:00:00Z');
const context = (delays: number[]) => ({ delays, actor: 'consumer:email', now });
const failure = { provider: 'smtp', code: '451', reason: 'try later' };
const transient: Outcome = { kind: 'transient', ...failure };

/** Every kind of outcome, with every mark that it may carry. */
const anyOutcome: fc.Arbitrary<Outcome> = fc
  .record({
    kind: fc.constantFrom<Outcome['kind']>(
      'sent',
      'transient',
      'permanent',
      'deferred',
      'ambiguous',
      'expired',
      'suppressed',
    ),
    afterMs: fc.nat(100_000_000),
    flags: fc.subarray(['isOurs', 'providerFault', 'untried', 'counted', 'marked', 'seen', 'overLimit']),
  })
  .map(
    ({ kind, afterMs, flags }) =>
      ({
        kind,
        ...failure,
        ...(kind === 'deferred' && { afterMs }),
        ...Object.fromEntries(flags.map((flag) => [flag, true])),
      }) as Outcome,
  );
const anyLadder = fc.array(fc.integer({ min: 1, max: 3_600_000 }), { minLength: 1, maxLength: 8 });
const HOUR_MS = 3_600_000;
/** What differs between records that are being sent, as far as a decision looks at it. */
const anySending = fc
  .record({
    retry_count: fc.nat(10),
    on_ambiguous: fc.constantFrom('retry' as const, 'hold' as const),
    type: fc.constantFrom('email' as const, 'sms' as const, 'in_app' as const),
    heldMs: fc.option(fc.nat(2 * MAX_HOLD_MS), { nil: undefined }),
    expiresInMs: fc.option(fc.integer({ min: -HOUR_MS, max: 10 * MAX_HOLD_MS }), { nil: undefined }),
    isRetried: fc.boolean(),
  })
  .map(({ heldMs, expiresInMs, isRetried, ...more }) =>
    aRecord({
      status: 'sending',
      ...more,
      ...(heldMs !== undefined && { held_since: new Date(now.getTime() - heldMs) }),
      ...(expiresInMs !== undefined && { expires_at: new Date(now.getTime() + expiresInMs) }),
      ...(isRetried && { retried_at: now }),
    }),
  );

test('whatever the outcome, the next status is one that the state table allows from sending', () => {
  fc.assert(
    fc.property(anySending, anyOutcome, anyLadder, (record, outcome, delays) => {
      const { result } = decide(record, outcome, context(delays));
      expect(canGo('sending', result.status)).toBe(true);
    }),
    { numRuns: 1_000 },
  );
});

test('whatever the outcome, only a failure that is not the provider’s fault and was not deferred spends a retry', () => {
  fc.assert(
    fc.property(anySending, anyOutcome, anyLadder, (record, outcome, delays) => {
      const { result } = decide(record, outcome, context(delays));
      const isFault = outcome.kind === 'transient' && outcome.providerFault === true;
      if (isFault || outcome.kind === 'deferred') expect(result.set?.retry_count).toBeUndefined();
      if (result.status === 'failed') expect(result.set?.retry_count).toBe(record.retry_count + 1);
    }),
    { numRuns: 1_000 },
  );
});

describe('a provider’s fault before the hand-off', () => {
  const fault: Outcome = { ...transient, providerFault: true };
  const heldFor = (ms: number) => ({ status: 'sending' as const, held_since: new Date(now.getTime() - ms) });

  test.each([
    ['a refused connection', fault],
    ['a request to wait', { kind: 'deferred', ...failure, afterMs: 1_000, providerFault: true }],
  ] satisfies [string, Outcome][])('%s is deferred, whatever the ladder has left', (_what, outcome) => {
    const { result, hop } = decide(aRecord({ status: 'sending', retry_count: 9 }), outcome, context([1]));
    expect(result).toMatchObject({ status: 'held', delayMs: 1_000 });
    expect(result.set?.retry_count).toBeUndefined();
    expect(hop).toEqual({ to: 'nowhere' });
  });
  test('becomes a dead letter after 72 h, which says why', () => {
    const { result, hop } = decide(aRecord(heldFor(MAX_HOLD_MS)), fault, context([1]));
    expect(result).toMatchObject({
      status: 'failed_permanently',
      change: { code: '451', reason: 'try later; deferred for 72 h' },
    });
    expect(hop).toEqual({ to: 'dead', code: '451' });
    expect(decide(aRecord(heldFor(MAX_HOLD_MS - 1)), fault, context([1])).result.status).toBe('held');
  });
  test('is deferred until expires_at instead, where there is one', () => {
    const expires_at = new Date(now.getTime() + HOUR_MS);
    const record = aRecord({ ...heldFor(2 * MAX_HOLD_MS), expires_at });
    expect(decide(record, fault, context([1])).result.status).toBe('held');
  });
});

test('a provider that asks for one second is asked again ever more rarely', () => {
  const asked: Outcome = { kind: 'deferred', ...failure, afterMs: 1_000, providerFault: true };
  const waits = [0, 10_000, HOUR_MS, 48 * HOUR_MS].map((heldMs) => {
    const at = new Date(now.getTime() - heldMs);
    const timeline = [{ at, status: 'held' as const, actor: 'consumer:email', attempt: 1 }];
    const record = aRecord({ status: 'sending', claimed_at: now, held_since: at, timeline });
    return decide(record, asked, context([1])).result.delayMs;
  });
  expect(waits).toEqual([1_000, 5_000, 600_000, 600_000]);
});

test('a ladder of n delays gives n + 1 attempts: each delay once, in order, then the dead letter', () => {
  fc.assert(
    fc.property(anyLadder, (delays) => {
      let record = aRecord({ status: 'sending' });
      for (const delayMs of delays) {
        const { result, hop } = decide(record, transient, context(delays));
        expect(result).toMatchObject({
          status: 'failed',
          delayMs,
          set: { retry_count: record.retry_count + 1 },
        });
        expect(hop).toEqual({ to: 'retry', delayMs });
        record = { ...record, retry_count: record.retry_count + 1 };
      }
      const last = decide(record, transient, context(delays));
      expect(last.result.status).toBe('failed_permanently');
      expect(last.hop).toEqual({ to: 'dead', code: '451' });
    }),
  );
});

test('a deferral never spends a rung, and never lasts past 72 h from the first one', () => {
  fc.assert(
    fc.property(fc.nat(10 * MAX_HOLD_MS), fc.nat(2 * MAX_HOLD_MS), (afterMs, heldMs) => {
      const record = aRecord({
        status: 'sending',
        held_since: new Date(now.getTime() - heldMs),
        retry_count: 2,
      });
      const { result, hop } = decide(record, { kind: 'deferred', ...failure, afterMs }, context([1]));
      expect(result.set?.retry_count).toBeUndefined();
      expect(hop).toEqual({ to: 'nowhere' });
      if (heldMs >= MAX_HOLD_MS) expect(result.status).toBe('expired');
      else expect(heldMs + (result.delayMs ?? Infinity)).toBeLessThanOrEqual(MAX_HOLD_MS);
    }),
  );
});

describe('an ambiguous attempt', () => {
  const ambiguous: Outcome = { kind: 'ambiguous', ...failure };
  test('is tried again by default, and marked', () => {
    const { result } = decide(aRecord({ status: 'sending' }), ambiguous, context([5]));
    expect(result).toMatchObject({ status: 'failed', change: { ambiguous: true } });
  });
  test('waits for a person where the caller asked for that', () => {
    const { result, hop } = decide(
      aRecord({ status: 'sending', on_ambiguous: 'hold' }),
      ambiguous,
      context([5]),
    );
    expect(result).toMatchObject({ status: 'outcome_unknown', change: { ambiguous: true } });
    expect(hop).toEqual({ to: 'nowhere' });
  });
});

test('a refusal for good suppresses the address, and says so; any other does not', () => {
  const refusal = { kind: 'permanent', ...failure } as const;
  const forGood = decide(aRecord(), { ...refusal, codeForGood: '5.1.1' }, context([1]));
  expect(forGood).toMatchObject({
    result: { status: 'failed_permanently', change: { reason: 'try later; the address is suppressed' } },
    suppression: { channel: 'email', actor: 'consumer:email', code: '5.1.1', reason: 'try later' },
  });
  expect(decide(aRecord(), refusal, context([1])).suppression).toBeUndefined();
});

test('what is suppressed ends so; but a dead letter that a person sends again stays one', () => {
  const outcome: Outcome = { kind: 'suppressed', ...failure };
  const statusOf = (retried_at?: Date) =>
    decide(aRecord(retried_at && { retried_at }), outcome, context([1])).result.status;
  expect([statusOf(), statusOf(now)]).toEqual(['suppressed', 'failed_permanently']);
});

test('a permanent refusal is a dead letter at once, however many rungs are left', () => {
  const { result, hop } = decide(
    aRecord({ status: 'sending' }),
    { kind: 'permanent', ...failure, code: '550' },
    context([1, 2, 3]),
  );
  expect(result).toMatchObject({ status: 'failed_permanently', set: { error: { code: '550' } } });
  expect(hop).toEqual({ to: 'dead', code: '550' });
});

test('an in-app notification that was sent is unread; an e-mail has no such thing', () => {
  const sent: Outcome = { kind: 'sent', provider: 'inbox' };
  expect(decide(aRecord({ type: 'in_app' }), sent, context([1])).result.set).toHaveProperty('unread', true);
  expect(decide(aRecord({ type: 'email' }), sent, context([1])).result.set).not.toHaveProperty('unread');
});

test('what we put off ourselves does not expire by it, however long a pause lasts', () => {
  const record = aRecord({ status: 'sending', held_since: new Date(now.getTime() - 2 * MAX_HOLD_MS) });
  const own = { kind: 'deferred', ...failure, afterMs: 2_000 } as const;
  expect(decide(record, { ...own, isOurs: true }, context([1])).result).toMatchObject({
    status: 'held',
    delayMs: 2_000,
    countsAsHold: false,
  });
  expect(decide(record, own, context([1])).result.status).toBe('expired');
});
