import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  readiness,
  sharedReadiness,
  startHealthServer,
  type CheckResult,
  type HealthServer,
} from '../../../shared/runtime/health.ts';

const OK: CheckResult = { ok: true };

describe('a flood of probes', () => {
  let probed = 0;
  let answers: ((result: CheckResult) => void)[] = [];
  let server: HealthServer;
  const ask = async () => {
    const response = await fetch(`http://127.0.0.1:${server.port}/readyz`);
    return { status: response.status, body: (await response.json()) as object };
  };

  beforeEach(async () => {
    [probed, answers] = [0, []];
    const check = () =>
      new Promise<CheckResult>((resolve) => {
        probed += 1;
        answers.push(resolve);
      });
    server = await startHealthServer({ host: '127.0.0.1', port: 0 }, { slow: check });
  });
  afterEach(() => server.stop());

  test('costs one check, and everyone gets its answer', async () => {
    const asked = Array.from({ length: 20 }, ask);
    await vi.waitUntil(() => answers.length === 1);
    // A second probe that came while the first one runs has been read by the time that this one is answered.
    await fetch(`http://127.0.0.1:${server.port}/healthz`);
    answers[0]?.({ ok: false, detail: 'away' });
    const body = { status: 'unavailable', checks: { slow: { ok: false, detail: 'away' } } };
    for (const answer of await Promise.all(asked)) expect(answer).toEqual({ status: 503, body });
    expect(await ask()).toMatchObject({ status: 503 });
    expect(probed).toBe(1);
  });
});

describe('an answer', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test('holds for a second after the check has ended, however long that took', async () => {
    let runs = 0;
    let end: (result: CheckResult) => void = () => undefined;
    const look = sharedReadiness({
      slow: () => {
        runs += 1;
        return new Promise((resolve) => (end = resolve));
      },
    });
    const first = look();
    vi.advanceTimersByTime(4_000);
    expect(look()).toBe(first);
    end(OK);
    await first;
    vi.advanceTimersByTime(999);
    expect(look()).toBe(first);
    vi.advanceTimersByTime(1);
    void look();
    expect(runs).toBe(2);
  });

  test('comes after five seconds where a check never ends', async () => {
    const checks = { hung: () => new Promise<CheckResult>(() => undefined), fine: () => OK };
    const answer = readiness(checks);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(await answer).toEqual({
      status: 'unavailable',
      checks: { hung: { ok: false, detail: 'no answer within 5 s' }, fine: OK },
    });
  });
});
