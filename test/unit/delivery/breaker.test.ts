import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Breaker, LaneSlots, Pace, type BreakerState, type Outcome } from '../../../shared/delivery/index.ts';

const sent: Outcome = { kind: 'sent', provider: 'p' };
const about = { provider: 'p', code: 'c', reason: 'r' };
const fault: Outcome = { kind: 'transient', ...about, providerFault: true };
const refused: Outcome = { kind: 'transient', ...about };

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function observe(breaker: Breaker, outcome: Outcome, times: number): void {
  for (let n = 0; n < times; n += 1) breaker.observe(outcome);
}

describe('the breaker', () => {
  test('opens at the twentieth fault, not before', () => {
    const breaker = new Breaker();
    observe(breaker, fault, 19);
    expect(breaker.state).toBe('closed');
    breaker.observe(fault);
    expect([breaker.state, breaker.free(0)]).toEqual(['open', 0]);
  });

  test('never opens for answers about recipients or messages', () => {
    const breaker = new Breaker();
    observe(breaker, refused, 500);
    observe(breaker, { kind: 'permanent', ...about }, 500);
    observe(breaker, { kind: 'ambiguous', ...about }, 500);
    expect(breaker.state).toBe('closed');
  });

  test('stays closed while most go through, and forgets what is older than five minutes', () => {
    const breaker = new Breaker();
    for (let n = 0; n < 100; n += 1) observe(breaker, n % 3 === 0 ? fault : sent, 1);
    expect(breaker.state).toBe('closed');
    observe(breaker, fault, 8);
    vi.advanceTimersByTime(5 * 60_000 + 1);
    observe(breaker, fault, 15);
    expect(breaker.state).toBe('closed');
  });

  test('tries ten after the cool-down: ten faults open it for twice as long, up to a minute; anything else closes it', () => {
    const states: BreakerState[] = [];
    const breaker = new Breaker({ onChange: (state) => states.push(state) });
    observe(breaker, fault, 20);
    vi.advanceTimersByTime(5_000);
    expect([breaker.state, breaker.free(0), breaker.free(10)]).toEqual(['half-open', 10, 0]);
    for (const seconds of [10, 20, 40, 60, 60]) {
      observe(breaker, fault, 9);
      expect([breaker.state, breaker.free(0)]).toEqual(['half-open', 1]);
      breaker.observe(fault);
      vi.advanceTimersByTime(seconds * 1_000 - 1);
      expect(breaker.state).toBe('open');
      vi.advanceTimersByTime(1);
      expect(breaker.state).toBe('half-open');
    }
    observe(breaker, fault, 9);
    breaker.observe(refused);
    expect(breaker.state).toBe('closed');
    expect(states.slice(0, 3)).toEqual(['open', 'half-open', 'open']);
  });

  test('what never met the provider says nothing about it, and does not use up the try', () => {
    const breaker = new Breaker();
    observe(breaker, fault, 20);
    vi.advanceTimersByTime(5_000);
    breaker.observe({ kind: 'permanent', ...about, untried: true });
    expect(breaker.state).toBe('half-open');
    breaker.observe(sent);
    expect(breaker.state).toBe('closed');
  });

  test('a provider that asks all of us to wait is left alone for so long', () => {
    const breaker = new Breaker();
    breaker.observe({ kind: 'deferred', ...about, afterMs: 30_000, providerFault: true });
    vi.advanceTimersByTime(29_999);
    expect(breaker.free(0)).toBe(0);
    vi.advanceTimersByTime(1);
    expect(breaker.free(0)).toBe(10);
  });
});

describe('the slots behind limits', () => {
  test('nothing starts while the breaker is open; a few when it tries', async () => {
    const breaker = new Breaker();
    const slots = new LaneSlots(10, [breaker]);
    observe(breaker, fault, 20);
    let granted = 0;
    void slots.take('transactional', 5).then((count) => (granted = count));
    await vi.advanceTimersByTimeAsync(4_999);
    expect(granted).toBe(0);
    await vi.advanceTimersByTimeAsync(1);
    expect(granted).toBe(5);
  });

  test('a pace lets so many start in a second, and what did not start does not count', async () => {
    const slots = new LaneSlots(1_000, [new Pace(100, Date.now)]);
    let started = 0;
    const work = async (): Promise<void> => {
      while (started < 1_000) {
        const granted = await slots.take('bulk', 50);
        started += granted;
        slots.giveBack('bulk', 0);
        slots.release('bulk', granted);
      }
    };
    void work();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(started).toBeGreaterThanOrEqual(490);
    expect(started).toBeLessThanOrEqual(520);
  });

  test('where both lanes wait for the pace, transactional goes first', async () => {
    const slots = new LaneSlots(100, [new Pace(10, Date.now)]);
    await slots.take('bulk', 1);
    const order: string[] = [];
    for (let n = 0; n < 3; n += 1) void slots.take('bulk', 1).then(() => order.push('bulk'));
    for (let n = 0; n < 3; n += 1)
      void slots.take('transactional', 1).then(() => order.push('transactional'));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(order).toEqual([...Array<string>(3).fill('transactional'), ...Array<string>(3).fill('bulk')]);
  });

  test('who waits for a breaker gives up when asked to', async () => {
    const breaker = new Breaker();
    observe(breaker, fault, 20);
    const stopping = new AbortController();
    const waiting = new LaneSlots(1, [breaker]).take('bulk', 1, stopping.signal);
    stopping.abort();
    expect(await waiting).toBe(0);
  });
});
