import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { HandOvers, Standings, type Outcome } from '../../../shared/delivery/index.ts';
import { ConcurrencyLimit } from '../../../shared/delivery/concurrency.ts';

const sent: Outcome = { kind: 'sent', provider: 'p' };
const refused: Outcome = {
  ...{ kind: 'transient', provider: 'p', code: '421', reason: 'too many', seen: false },
  ...{ providerFault: true, overLimit: true },
};

beforeEach(() => {
  vi.useFakeTimers({ now: 0 });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('the concurrency limit', () => {
  test('falls to what the provider serves beside the refused ones, and those are deferred as nobody’s fault', () => {
    const concurrency = new ConcurrencyLimit();
    expect(concurrency.limit).toBe(Infinity);
    for (let others = 9; others >= 2; others -= 1)
      expect(concurrency.learn(refused, others)).toMatchObject({
        kind: 'deferred',
        isOurs: true,
        untried: true,
      });
    expect(concurrency.limit).toBe(2);
  });

  test('is unknown while the provider serves nobody: then a refusal is its fault', () => {
    const concurrency = new ConcurrencyLimit();
    expect(concurrency.learn(refused, 0)).toBe(refused);
    expect(concurrency.limit).toBe(Infinity);
  });

  test('rises by one after each quiet period in which all of it was used, until it is gone', () => {
    const concurrency = new ConcurrencyLimit();
    concurrency.learn(refused, 4);
    concurrency.learn(refused, 2);
    vi.advanceTimersByTime(5_000);
    concurrency.learn(sent, 0);
    expect(concurrency.limit).toBe(2);
    concurrency.learn(sent, 1);
    concurrency.learn(sent, 2);
    expect(concurrency.limit).toBe(3);
    vi.advanceTimersByTime(5_000);
    concurrency.learn(sent, 2);
    expect(concurrency.limit).toBe(4);
    vi.advanceTimersByTime(5_000);
    concurrency.learn(sent, 3);
    expect(concurrency.limit).toBe(Infinity);
  });

  test('is tried ever more rarely while one more is refused, at most every minute', () => {
    const concurrency = new ConcurrencyLimit();
    concurrency.learn(refused, 2);
    const waits: number[] = [];
    while (waits.length < 9) {
      const since = Date.now();
      while (concurrency.limit === 2) {
        vi.advanceTimersByTime(1_000);
        concurrency.learn(sent, 1);
      }
      waits.push((Date.now() - since) / 1_000);
      concurrency.learn(refused, 2);
    }
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60]);
  });

  test('waits as long as the provider asks', () => {
    const asked: Outcome = {
      kind: 'deferred',
      provider: 'p',
      code: '429',
      reason: 'r',
      afterMs: 60_000,
      overLimit: true,
    };
    expect(new ConcurrencyLimit().learn(asked, 1)).toMatchObject({ afterMs: 60_000, isOurs: true });
  });

  test('is shown, and refusals beside deliveries that go on never open the breaker', async () => {
    const standings = new Standings(['p']);
    const ends: (() => void)[] = [];
    const going = Array.from({ length: 2 }, () =>
      standings.during(
        'p',
        () =>
          new Promise((resolve) =>
            ends.push(() => {
              resolve(sent);
            }),
          ),
      ),
    );
    for (let n = 0; n < 50; n += 1)
      standings.observe(await standings.during('p', () => Promise.resolve(refused)));
    expect(standings.shown(0)).toMatchObject([{ breaker: 'closed', fault_ratio: 0, concurrency_limit: 2 }]);
    expect([standings.limit, standings.obstacleOf('p')]).toEqual([2, 'it takes 2 at once']);
    for (const end of ends) end();
    await Promise.all(going);
    expect(standings.obstacleOf('p')).toBeUndefined();
  });

  test('an outage that answers like that opens the breaker all the same', async () => {
    const standings = new Standings(['p']);
    for (let n = 0; n < 20; n += 1)
      standings.observe(await standings.during('p', () => Promise.resolve(refused)));
    expect(standings.state).toBe('open');
  });
});

test('no more deliveries begin than the provider takes, and more when it takes more again', async () => {
  let limit = 2;
  const handOvers = new HandOvers(10, () => limit);
  const ends: (() => void)[] = [];
  for (let n = 0; n < 8; n += 1)
    void handOvers.run('transactional', () => new Promise<void>((resolve) => ends.push(resolve)));
  await vi.advanceTimersByTimeAsync(0);
  expect(ends).toHaveLength(2);
  limit = 5;
  ends.shift()?.();
  await vi.advanceTimersByTimeAsync(0);
  // One that goes on already, and four more.
  expect(ends).toHaveLength(5);
});
