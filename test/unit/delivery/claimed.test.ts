import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Claimed } from '../../../shared/delivery/claimed.ts';
import { aRecord } from '../../support/records.ts';

const HOUR_MS = 3_600_000;

test('what expires is told by the clock of the database, however wrong our own is', () => {
  // The database is an hour behind us, and claimed it half a second ago.
  const claimed_at = new Date(Date.now() - HOUR_MS - 500);
  const at = (ms: number) =>
    new Claimed(
      aRecord({ claimed_at, expires_at: new Date(claimed_at.getTime() + ms) }),
      't',
      performance.now() - 500,
    );
  expect(at(400).isExpired).toBe(true);
  expect(at(10_000).isExpired).toBe(false);
  expect(new Claimed(aRecord({ claimed_at }), 't', 0).isExpired).toBe(false);
});

test('a claim that is lost ends the attempt that is under way', () => {
  const claimed = new Claimed(aRecord(), 't', performance.now());
  const attempt = new AbortController();
  claimed.begins(attempt);
  claimed.lose('somebody else took it');
  expect([claimed.isLost, attempt.signal.aborted]).toEqual([true, true]);
});

describe('A claim is lost from the very millisecond at which its lease ends', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  test('unless it is renewed', () => {
    const claimed = new Claimed(aRecord(), 't', performance.now());
    claimed.leaseUntil = performance.now() + 2_000;
    vi.advanceTimersByTime(1_999);
    expect(claimed.isLost).toBe(false);
    vi.advanceTimersByTime(1);
    expect(claimed.isLost).toBe(true);
    claimed.leaseUntil += 2_000;
    expect(claimed.isLost).toBe(false);
  });

  test.each([HOUR_MS, -HOUR_MS])('however far the clock of the system jumps: %i ms', (jumpMs) => {
    const claimed = new Claimed(aRecord(), 't', performance.now());
    claimed.leaseUntil = performance.now() + 2_000;
    vi.setSystemTime(Date.now() + jumpMs);
    expect(claimed.isLost).toBe(false);
    vi.advanceTimersByTime(2_000);
    expect(claimed.isLost).toBe(true);
  });
});
