import { describe, expect, test } from 'vitest';
import {
  cancelNotification,
  countRedriven,
  discardDeadLetters,
  redriveDeadLetters,
  retryNotification,
} from '../../../shared/store/index.ts';
import { TestStore } from '../../support/test-store.ts';

const store = new TestStore();

describe('steering', () => {
  const by = { actor: 'api', reason: 'test' };
  const order = { change: by, act: 'act-1' };
  test('a cancel wins before the claim, and not after it', async () => {
    const [free, taken] = [await store.add(), await store.add()];
    await store.claim([taken]);
    expect((await cancelNotification(store.notifications, free, by, 30)).outcome).toBe('done');
    expect(await cancelNotification(store.notifications, taken, by, 30)).toEqual({
      outcome: 'conflict',
      state: 'sending',
    });
    expect(await store.claim([free])).toEqual([]);
    expect(await cancelNotification(store.notifications, 'nobody', by, 30)).toEqual({ outcome: 'missing' });
  });
  test('a manual retry works each time, with a full ladder', async () => {
    const id = await store.add({ status: 'failed_permanently', retry_count: 5, interrupted: 5 });
    for (let round = 1; round <= 2; round += 1) {
      expect(await retryNotification(store.notifications, id, by)).toMatchObject({
        outcome: 'done',
        record: { status: 'pending', retry_count: 0, interrupted: 0, unpublished: true },
      });
      await store.notifications.updateOne({ _id: id }, { $set: { status: 'failed_permanently' } });
    }
  });
  test('a redrive takes the filter literally, and leaves alone what dies while it works', async () => {
    const error = { code: '550', reason: 'no', provider: 'smtp' };
    for (let n = 0; n < 3; n += 1) await store.add({ status: 'failed_permanently', error });
    const other = await store.add({ status: 'failed_permanently', error: { ...error, code: '552' } });
    let changed = 0;
    for await (const chunk of redriveDeadLetters(store.notifications, { code: '550' }, order))
      changed += chunk.changed;
    expect(changed).toBe(3);
    expect(await store.statusOf(other)).toBe('failed_permanently');
  });
  test('what became of a redrive is told by the states of what it took up, and of nothing else', async () => {
    const ids = [
      await store.add({ status: 'failed_permanently' }),
      await store.add({ status: 'failed_permanently' }),
    ];
    await store.add({ status: 'pending' });
    await redriveDeadLetters(store.notifications, { ids }, order).next();
    expect(await countRedriven(store.notifications, order.act)).toEqual({ pending: 2 });
    await store.notifications.updateOne({ _id: ids[0] ?? '' }, { $set: { status: 'sent' } });
    expect(await countRedriven(store.notifications, order.act)).toEqual({ pending: 1, sent: 1 });
    expect(await countRedriven(store.notifications, 'another')).toEqual({});
  });
  test('a redrive at a rate holds each until its turn', async () => {
    for (let n = 0; n < 4; n += 1) await store.add({ status: 'failed_permanently' });
    for await (const chunk of redriveDeadLetters(store.notifications, {}, { ...order, rate: 2 }))
      expect(chunk.due).toEqual([]);
    const held = await store.notifications.find({ status: 'held' }).sort({ next_retry_time: 1 }).toArray();
    const spread =
      (held.at(-1)?.next_retry_time?.getTime() ?? 0) - (held[0]?.next_retry_time?.getTime() ?? 0);
    expect(held).toHaveLength(4);
    expect(spread).toBeGreaterThanOrEqual(1_500);
  });
  test('a discard says why on the timeline, and begins retention', async () => {
    const id = await store.add({ status: 'failed_permanently' });
    const change = { actor: 'api', reason: 'customer left' };
    const discarded = discardDeadLetters(store.notifications, {}, { change, retentionDays: 1 });
    expect((await discarded.next()).value).toBe(1);
    const record = await store.notifications.findOne({ _id: id });
    expect(record).toMatchObject({ status: 'discarded', delete_at: expect.any(Date) as Date });
    expect(record?.timeline.at(-1)).toMatchObject({ actor: 'api', reason: 'customer left' });
  });
});
