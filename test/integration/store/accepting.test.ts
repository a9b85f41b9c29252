import { describe, expect, test } from 'vitest';
import { clearUnpublished, insertNotifications } from '../../../shared/store/index.ts';
import { aRecord } from '../../support/records.ts';
import { TestStore } from '../../support/test-store.ts';
import { until } from '../../support/until.ts';

const store = new TestStore();

describe('accepting', () => {
  test('of 50 simultaneous requests with one key one is stored, and all get it', async () => {
    const keyed = () => aRecord({ idempotency_key: 'k1', fingerprint: 'f1' });
    const results = await Promise.all(
      Array.from({ length: 50 }, () => insertNotifications(store.notifications, [keyed()])),
    );
    const ids = results.flat().map((one) => ('record' in one ? one.record._id : ''));
    expect(new Set(ids).size).toBe(1);
    expect(await store.notifications.countDocuments()).toBe(1);
  });
  test('the same key with another body is a conflict, within one bulk too, and the others are stored', async () => {
    const keyed = (fingerprint: string) => aRecord({ idempotency_key: 'k2', fingerprint });
    const results = await insertNotifications(store.notifications, [
      keyed('a'),
      keyed('b'),
      keyed('a'),
      aRecord(),
    ]);
    expect(results.map(({ outcome }) => outcome)).toEqual(['stored', 'conflict', 'replayed', 'stored']);
  });
  test('a record that MongoDB refuses fails alone, and the others of its write are stored', async () => {
    const validator = { message: { $ne: 'Refused' } };
    await store.db.command({ collMod: 'notifications', validator });
    const results = await insertNotifications(store.notifications, [
      aRecord(),
      aRecord({ message: 'Refused' }),
      aRecord(),
    ]);
    await store.db.command({ collMod: 'notifications', validator: {} });
    expect(results.map(({ outcome }) => outcome)).toEqual(['stored', 'failed', 'stored']);
    expect(results[1]).toMatchObject({ error: { name: 'RecordRefused' } });
  });
  test('a key whose record cannot be looked up fails alone, and the others of its write are stored', async () => {
    // A second unique index refuses a record whose key nobody has stored, as one that was erased meanwhile.
    await store.notifications.createIndex(
      { message: 1 },
      { unique: true, partialFilterExpression: { message: 'Clash' } },
      undefined,
    );
    await store.add({ message: 'Clash' });
    const clash = aRecord({ message: 'Clash', idempotency_key: 'k4', fingerprint: 'a' });
    const results = await insertNotifications(store.notifications, [aRecord(), clash, aRecord()]);
    expect(results.map(({ outcome }) => outcome)).toEqual(['stored', 'failed', 'stored']);
    await store.notifications.dropIndex('message_1');
  });
  test('two callers may use the same key', async () => {
    const results = await insertNotifications(store.notifications, [
      aRecord({ idempotency_key: 'k3', caller: 'api' }),
      aRecord({ idempotency_key: 'k3', caller: 'web' }),
    ]);
    expect(results.map(({ outcome }) => outcome)).toEqual(['stored', 'stored']);
  });
});

describe('the outbox', () => {
  test('a claim takes a record out of it', async () => {
    const id = await store.add({ unpublished: true });
    await store.claim([id]);
    expect((await store.notifications.findOne({ _id: id }))?.unpublished).toBeUndefined();
  });
  test('a late note that a message was published leaves the mark of a later one', async () => {
    const [fresh, later] = [
      await store.add({ unpublished: true }),
      await store.add({ unpublished: true, attempt: 1 }),
    ];
    await clearUnpublished(
      store.notifications,
      [fresh, later].map((_id) => ({ _id, attempt: 0 })),
    );
    await until(async () => (await store.notifications.findOne({ _id: fresh }))?.unpublished === undefined);
    expect((await store.notifications.findOne({ _id: later }))?.unpublished).toBe(true);
  });
});
