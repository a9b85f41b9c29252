import { BSON } from 'mongodb';
import { afterEach, describe, expect, test } from 'vitest';
import type { Notification } from '../../../shared/contracts/index.ts';
import {
  clearUnpublished,
  discardDeadLetters,
  deleteRetained,
  expireOverdue,
  isRefusal,
  markAllRead,
  markUnpublished,
  recordResults,
  redriveDeadLetters,
  renewLeases,
  retryNotification,
  sendAtOnce,
  wakeDue,
} from '../../../shared/store/index.ts';
import { aRecord } from '../../support/records.ts';
import { TestStore, sentResult } from '../../support/test-store.ts';
import { until } from '../../support/until.ts';

const store = new TestStore();
const BAD = 'bad@example.org';
/** Enough for several halvings, with the bad one at neither end. */
const OTHERS = 20;

afterEach(async () => {
  await refuseAll(false);
  await store.db.collection('quarantine').deleteMany({});
});

const REFUSAL = { operation: 'claim', code: '121', reason: 'Document failed validation' } as const;

/** Has MongoDB refuse every write to records to the bad address. */
async function refuseAll(isOn: boolean): Promise<void> {
  const validator = isOn ? { email: { $ne: BAD } } : {};
  await store.db.command({ collMod: 'notifications', validator });
}

/** Stores good records around a bad one; answers all ids, and the bad one's. */
async function mixed(
  more: Partial<Notification> = {},
): Promise<{ ids: string[]; bad: string; good: string[] }> {
  const ids: string[] = [];
  for (let index = 0; index <= OTHERS; index += 1)
    ids.push(await store.add({ ...more, email: index === 7 ? BAD : `p${index}@example.org` }));
  const bad = ids[7] ?? '';
  return { ids, bad, good: ids.filter((id) => id !== bad) };
}

const CHANGE = { actor: 'test', reason: 'again' };

/** Sends dead letters again; answers how many. */
async function redrive(filter: { ids?: string[] }, rate?: number): Promise<number> {
  let changed = 0;
  const options = { change: CHANGE, act: `at ${rate}`, rate };
  for await (const step of redriveDeadLetters(store.notifications, filter, options)) changed += step.changed;
  return changed;
}

/** The quarantined ids, as a process that knows nothing yet reads them. */
async function quarantined(): Promise<string[]> {
  return [...(await store.notifications.quarantine.ids())];
}

describe('One refused record holds up no other of', () => {
  test('a claim', async () => {
    const { ids, bad, good } = await mixed();
    await refuseAll(true);
    expect((await store.claim(ids)).map(({ _id }) => _id).sort()).toEqual(good.sort());
    expect(await quarantined()).toEqual([bad]);
    expect(await store.claim([bad])).toEqual([]);
  });

  test('a claim that is the delivery as well', async () => {
    const { ids, bad, good } = await mixed({ type: 'in_app' });
    await refuseAll(true);
    const options = { token: 't', actor: 'test', leaseMs: 1_000, provider: 'in_app', retentionDays: 1 };
    expect([...(await sendAtOnce(store.notifications, ids, options))].sort()).toEqual(good.sort());
    expect(await quarantined()).toEqual([bad]);
  });

  test('a renewal of leases', async () => {
    const { ids, bad, good } = await mixed();
    const claims = (await store.claim(ids)).map(({ _id: id, claim = '' }) => ({ id, token: claim }));
    await refuseAll(true);
    expect([...(await renewLeases(store.notifications, claims, 60_000))].sort()).toEqual(good.sort());
    expect(await quarantined()).toEqual([bad]);
  });

  test('a bulk of results, which keeps the refused result', async () => {
    const { ids, bad, good } = await mixed();
    await store.claim(ids);
    await refuseAll(true);
    const results = ids.map((id) => sentResult(id, 1));
    expect([...(await recordResults(store.notifications, results, 1))].sort()).toEqual(good.sort());
    expect((await store.notifications.quarantine.get(bad))?.result).toMatchObject({
      id: bad,
      status: 'sent',
    });
  });

  test('a wake-up of what is due, in every later pass as well', async () => {
    const past = new Date(Date.now() - 10_000);
    const { bad, good } = await mixed({ status: 'held', next_retry_time: past });
    await refuseAll(true);
    expect((await wakeDue(store.notifications)).map(({ _id }) => _id).sort()).toEqual(good.sort());
    expect(await wakeDue(store.notifications)).toEqual([]);
    expect(await quarantined()).toEqual([bad]);
  });

  test('an expiry', async () => {
    const { bad, good } = await mixed({ expires_at: new Date(Date.now() - 10_000) });
    await refuseAll(true);
    expect(await expireOverdue(store.notifications, 1)).toBe(good.length);
    expect(await quarantined()).toEqual([bad]);
  });

  test.each([undefined, 1_000])('a redrive at the rate %s', async (rate) => {
    const { bad, good } = await mixed({ status: 'failed_permanently' });
    await refuseAll(true);
    expect(await redrive({}, rate)).toBe(good.length);
    expect(await quarantined()).toEqual([bad]);
  });

  test('a discard of dead letters', async () => {
    const { bad, good } = await mixed({ status: 'failed_permanently' });
    await refuseAll(true);
    const change = { actor: 'test', reason: 'gone' };
    let changed = 0;
    for await (const count of discardDeadLetters(store.notifications, {}, { change, retentionDays: 1 }))
      changed += count;
    expect(changed).toBe(good.length);
    expect(await quarantined()).toEqual([bad]);
  });

  test('a mark of all as read', async () => {
    const { bad, good } = await mixed({ type: 'in_app', status: 'sent', unread: true, sent_at: new Date() });
    await refuseAll(true);
    expect(await markAllRead(store.notifications, aRecord().user_id)).toBe(good.length);
    expect(await store.notifications.countDocuments({ unread: true })).toBe(1);
    expect(await quarantined()).toEqual([bad]);
  });

  test('notes about messages', async () => {
    const { ids, bad, good } = await mixed({ status: 'failed' });
    await refuseAll(true);
    await markUnpublished(store.notifications, ids);
    expect(await store.notifications.countDocuments({ unpublished: true })).toBe(good.length);
    await clearUnpublished(
      store.notifications,
      ids.map((_id) => ({ _id, attempt: 0 })),
    );
    await until(async () => (await store.notifications.countDocuments({ unpublished: true })) === 0);
    expect(await quarantined()).toEqual([bad]);
  });

  test('retention, which deletes the refused one and its entry as well', async () => {
    const { bad } = await mixed({ status: 'sent', delete_at: new Date(Date.now() - 10_000) });
    await store.notifications.quarantine.add(bad, REFUSAL);
    await refuseAll(true);
    await deleteRetained(store.notifications);
    expect(await store.notifications.countDocuments()).toBe(0);
    expect(await quarantined()).toEqual([]);
  });
});

test('a record above 16 MB is quarantined by its size', async () => {
  const record = aRecord();
  // No room for the entry of a claim.
  const message = 'x'.repeat(16 * 1024 * 1024 - BSON.calculateObjectSize({ ...record, message: '' }) - 10);
  const id = await store.add({ ...record, message });
  const good = await store.add();
  expect((await store.claim([id, good])).map(({ _id }) => _id)).toEqual([good]);
  expect(await store.notifications.quarantine.get(id)).toMatchObject({ operation: 'claim', code: '17419' });
});

test('a record whose fields have other types than ours is quarantined', async () => {
  const id = await store.add({ timeline: 'none' as never });
  expect(await store.claim([id])).toEqual([]);
  expect((await store.notifications.quarantine.get(id))?.reason).toMatch(/array/);
});

test('a retry by hand of a refused record says so', async () => {
  const id = await store.add({ status: 'failed_permanently', email: BAD });
  await refuseAll(true);
  const retried = await retryNotification(store.notifications, id, { actor: 'test', reason: 'again' });
  expect(retried).toMatchObject({ outcome: 'refused' });
  expect(await quarantined()).toEqual([id]);
});

describe('The quarantine', () => {
  test('keeps a result that is learned after the entry was made', async () => {
    const id = await store.add();
    await store.notifications.quarantine.add(id, REFUSAL);
    const result = sentResult(id, 1);
    await store.notifications.quarantine.add(id, { ...REFUSAL, operation: 'record', result });
    await store.notifications.quarantine.add(id, REFUSAL);
    expect(await store.notifications.quarantine.get(id)).toMatchObject({
      operation: 'record',
      result: { id, status: 'sent' },
    });
  });

  test('takes 1 000 records, without those that a person gave up', async () => {
    const { quarantine } = store.notifications;
    const entries = store.db.collection<{ _id: string; discarded_at?: Date }>('quarantine');
    const full = Array.from({ length: 1_000 }, (_, index) => ({
      _id: `full ${index}`,
      discarded_at: new Date(),
    }));
    await entries.insertMany(full);
    const id = await store.add();
    await quarantine.add(id, REFUSAL);
    expect(await quarantine.get(id)).toBeDefined();
    await entries.updateMany({}, { $unset: { discarded_at: true } });
    const another = await store.add();
    await expect(quarantine.add(another, REFUSAL)).rejects.toThrow('1000 records are in quarantine');
    // It has its place.
    await quarantine.add(id, REFUSAL);
  });

  test.each([
    ['a retry by hand', (id: string) => retryNotification(store.notifications, id, CHANGE)],
    ['a redrive', (id: string) => redrive({ ids: [id] })],
    ['a redrive at a rate', (id: string) => redrive({ ids: [id] }, 100)],
  ])('is left by a dead letter that is sent again by %s', async (_, sendAgain) => {
    const id = await store.add({ status: 'failed_permanently' });
    await store.notifications.quarantine.add(id, REFUSAL);
    await sendAgain(id);
    expect(await quarantined()).toEqual([]);
  });
});

test('a wrong command of ours is a refusal, a lost primary and a lost right are none', async () => {
  const thrown = async (command: object): Promise<unknown> =>
    store.db.command(command as { ping: 1 }).then(
      () => undefined,
      (error: unknown) => error,
    );
  expect(isRefusal(await thrown({ noSuchCommand: 1 }))).toBe(false);
  expect(isRefusal(new Error('socket closed'))).toBe(false);
  expect(isRefusal(undefined)).toBe(false);
});
