import { expect, test } from 'vitest';
import { Broker } from '../../../shared/broker/index.ts';
import type { Notification } from '../../../shared/contracts/index.ts';
import { Standings, type DeliveryChannel } from '../../../shared/delivery/index.ts';
import { Claimed } from '../../../shared/delivery/claimed.ts';
import { Deliveries } from '../../../shared/delivery/deliveries.ts';
import { PauseLimit } from '../../../shared/delivery/pause-limit.ts';
import { readConfig } from '../../../shared/runtime/config.ts';
import { silentLogger } from '../../../shared/runtime/logger.ts';
import { Suppressions, claimNotifications, newClaimToken } from '../../../shared/store/index.ts';
import { aRecord } from '../../support/records.ts';
import { TestStore } from '../../support/test-store.ts';
import { until } from '../../support/until.ts';

const LEASE_MS = 2_000;
const config = readConfig({ LEASE_SECONDS: String(LEASE_MS / 1_000) });
const store = new TestStore();
/** Not started: nothing of these tests is published. */
const { publisher } = new Broker({
  url: config.RABBITMQ_URL,
  service: 'test',
  delays: config.RETRY_DELAYS,
  log: silentLogger,
});

/** Deliveries that nothing renews: as if MongoDB took no renewal. */
function deliveries(deliver: DeliveryChannel['deliver']): Deliveries {
  const pause = new PauseLimit();
  pause.set(false);
  return new Deliveries({
    channel: { name: 'email', provider: 'test', deliver },
    standings: new Standings(['test']),
    pause,
    notifications: store.notifications,
    suppressions: new Suppressions(store.db),
    publisher,
    config,
    concurrency: 1,
    actor: 'consumer:email',
    log: silentLogger,
  });
}

/** Records that are claimed, by a claim that began so many milliseconds ago. */
async function claim(count: number, agoMs = 0): Promise<Claimed[]> {
  const records = Array.from({ length: count }, () => aRecord());
  await store.notifications.insertMany(records);
  const token = newClaimToken();
  const claimedAt = performance.now() - agoMs;
  const ids = records.map(({ _id }) => _id);
  const options = { token, actor: 'consumer:email', leaseMs: LEASE_MS };
  const claimed = await claimNotifications(store.notifications, ids, options);
  return claimed.map((record) => new Claimed(record, token, claimedAt));
}

test('never begins with a claim whose lease is over by its own clock', async () => {
  const delivered: Notification[] = [];
  const run = deliveries((one) => {
    delivered.push(one);
    return Promise.resolve({ kind: 'sent', provider: 'test' });
  });
  const ended: Claimed[] = [];
  const [late] = await claim(1, LEASE_MS);
  const [inTime] = await claim(1, LEASE_MS / 2);
  if (!late || !inTime) throw new Error('nothing was claimed');
  await run.begin([late, inTime], (one) => ended.push(one));
  await until(() => ended.length === 2);
  expect(delivered.map(({ _id }) => _id)).toEqual([inTime.record._id]);
});

test('ends an attempt at the moment when its lease is over, and does not begin with those that wait behind it', async () => {
  const begun: string[] = [];
  let abortedAt = 0;
  const run = deliveries(({ _id }, signal) => {
    begun.push(_id);
    return new Promise((resolve) => {
      signal.addEventListener('abort', () => {
        abortedAt = performance.now();
        resolve({ kind: 'transient', provider: 'test', code: 'aborted', reason: 'stopped' });
      });
    });
  });
  const ended: Claimed[] = [];
  const claimed = await claim(3);
  await run.begin(claimed, (one) => ended.push(one));
  await until(() => ended.length === 3);
  const lateMs = abortedAt - (claimed[0]?.claimedAt ?? 0) - LEASE_MS;
  expect(lateMs).toBeGreaterThanOrEqual(0);
  expect(lateMs).toBeLessThan(200);
  expect(begun).toEqual([claimed[0]?.record._id]);
});
