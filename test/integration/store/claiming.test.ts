import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { STATUSES, canGo } from '../../../shared/contracts/index.ts';
import {
  claimNotifications,
  expireOverdue,
  recordResults,
  renewLeases,
  sendAtOnce,
} from '../../../shared/store/index.ts';
import { TestStore, sentResult } from '../../support/test-store.ts';
import { until } from '../../support/until.ts';

const store = new TestStore();

describe('claiming', () => {
  test('of 50 simultaneous claims one wins', async () => {
    const id = await store.add();
    const claims = await Promise.all(Array.from({ length: 50 }, () => store.claim([id])));
    expect(claims.flat()).toHaveLength(1);
    expect(claims.flat()[0]).toMatchObject({
      status: 'sending',
      previous_status: 'pending',
      attempt: 1,
      fence: 1,
    });
  });
  test('repeating a claim whose answer was lost, with its token, gives the same records', async () => {
    const id = await store.add();
    const options = { token: randomUUID(), actor: 'test', leaseMs: 60_000 };
    await claimNotifications(store.notifications, [id], options);
    const again = await claimNotifications(store.notifications, [id], options);
    expect(again.map(({ attempt }) => attempt)).toEqual([1]);
  });
  // Also when due, and with a lease that is over: nothing but the status decides.
  const past = new Date(Date.now() - 60_000);
  test.each(STATUSES.filter((status) => !canGo(status, 'sending')))(
    'never claims what is %s',
    async (status) => {
      const id = await store.add({ status, next_retry_time: past, lease_until: past });
      expect(await store.claim([id])).toEqual([]);
      expect(await store.statusOf(id)).toBe(status);
    },
  );
  test('a retry is claimed when it is due, with two seconds of tolerance', async () => {
    const at = (ms: number) => new Date(Date.now() + ms);
    const early = await store.add({ status: 'failed', next_retry_time: at(30_000) });
    const due = await store.add({ status: 'failed', next_retry_time: at(1_000) });
    expect((await store.claim([early, due])).map(({ _id }) => _id)).toEqual([due]);
  });
  test('what has expired is not claimed, and the sweep ends it', async () => {
    const id = await store.add({ expires_at: new Date(Date.now() - 1) });
    expect(await store.claim([id])).toEqual([]);
    expect(await expireOverdue(store.notifications, 30)).toBe(1);
    expect(await store.statusOf(id)).toBe('expired');
  });
  test('a claim over an expired lease is marked as ambiguous, and the result of the old claim changes nothing', async () => {
    const id = await store.add();
    const [first] = await store.claim([id], 1);
    const second = await until(async () => (await store.claim([id]))[0]);
    expect(second).toMatchObject({
      previous_status: 'sending',
      interrupted: 1,
      ambiguous_count: 1,
      fence: 2,
    });
    expect(second.timeline.at(-1)).toMatchObject({ status: 'sending', ambiguous: true, code: 'interrupted' });
    expect(await recordResults(store.notifications, [sentResult(id, first?.fence ?? 0)], 30)).toEqual(
      new Set(),
    );
    const record = await store.notifications.findOne({ _id: id });
    expect(record?.status).toBe('sending');
    expect(record?.timeline.at(-1)).toMatchObject({ code: 'late_result' });
  });
  test('a renewed lease is not taken over; a renewal tells which claims are lost', async () => {
    const [mine, lost] = [await store.add(), await store.add()];
    const token = randomUUID();
    await claimNotifications(store.notifications, [mine, lost], { token, actor: 'test', leaseMs: 1 });
    await until(async () => (await store.claim([lost])).length === 1);
    const claims = [mine, lost].map((id) => ({ id, token }));
    expect(await renewLeases(store.notifications, claims, 60_000)).toEqual(new Set([mine]));
    expect(await store.claim([mine])).toEqual([]);
  });
});

describe('claimed, handed over and recorded at once', () => {
  const options = () => ({
    token: randomUUID(),
    actor: 'test',
    leaseMs: 60_000,
    provider: 'inbox',
    retentionDays: 30,
  });
  test('repeated with its token it answers what the first call sent, and writes nothing twice', async () => {
    const [id, canceled] = [
      await store.add({ type: 'in_app' }),
      await store.add({ type: 'in_app', status: 'canceled' }),
    ];
    const mine = options();
    expect(await sendAtOnce(store.notifications, [id, canceled], mine)).toEqual(new Set([id]));
    expect(await sendAtOnce(store.notifications, [id, canceled], mine)).toEqual(new Set([id]));
    expect(await sendAtOnce(store.notifications, [id, canceled], options())).toEqual(new Set());
    const record = await store.notifications.findOne({ _id: id });
    expect(record).toMatchObject({ status: 'sent', attempt: 1, unread: true });
    expect(record?.timeline.filter(({ status }) => status === 'sent')).toHaveLength(1);
  });
  test('an expired one under a dead lease is not sent', async () => {
    const past = new Date(Date.now() - 1_000);
    const id = await store.add({ type: 'in_app', status: 'sending', lease_until: past, expires_at: past });
    expect(await sendAtOnce(store.notifications, [id], options())).toEqual(new Set());
  });
});
