import fc from 'fast-check';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  INDEXES,
  Locks,
  cancelNotification,
  claimNotifications,
  clearUnpublished,
  discardDeadLetters,
  ensureIndexes,
  expireOverdue,
  findLostHints,
  findLostLeases,
  findOvertaken,
  findUnpublished,
  insertNotifications,
  listNotifications,
  notificationsOf,
  openStore,
  recordResults,
  redriveDeadLetters,
  renewLeases,
  retryNotification,
  sendAtOnce,
  wakeDue,
  type Notifications,
  type Result,
  type Store,
} from '../../../shared/store/index.ts';
import { aRecord } from '../../support/records.ts';
import { createTestServers, type TestServers } from '../../support/servers.ts';
import { until } from '../../support/until.ts';

let servers: TestServers;
let store: Store;
let notifications: Notifications;

beforeAll(async () => {
  servers = await createTestServers();
  store = openStore(servers.mongoUri, 'test');
  notifications = notificationsOf(store.db);
  await ensureIndexes(store.db);
});
beforeEach(async () => {
  await notifications.deleteMany({});
});
afterAll(async () => {
  await store.stop();
  await servers.drop();
});

const claim = (ids: string[], leaseMs = 60_000) =>
  claimNotifications(notifications, ids, { token: randomUUID(), actor: 'test', leaseMs });
const sentResult = (id: string, fence: number) => ({
  id,
  fence,
  status: 'sent' as const,
  change: { actor: 'test', attempt: 1 },
});
async function stored(more: Parameters<typeof aRecord>[0] = {}): Promise<string> {
  const record = aRecord(more);
  await notifications.insertOne(record);
  return record._id;
}
async function all<T>(batches: AsyncIterable<T[]>): Promise<T[]> {
  const items: T[] = [];
  for await (const batch of batches) items.push(...batch);
  return items;
}
const statusOf = async (id: string) => (await notifications.findOne({ _id: id }))?.status;

describe('accepting', () => {
  test('of 50 simultaneous requests with one key one is stored, and all get it', async () => {
    const keyed = () => aRecord({ idempotency_key: 'k1', fingerprint: 'f1' });
    const results = await Promise.all(
      Array.from({ length: 50 }, () => insertNotifications(notifications, [keyed()])),
    );
    const ids = results.flat().map((one) => (one.outcome === 'conflict' ? '' : one.record._id));
    expect(new Set(ids).size).toBe(1);
    expect(await notifications.countDocuments()).toBe(1);
  });
  test('the same key with another body is a conflict, within one bulk too, and the others are stored', async () => {
    const keyed = (fingerprint: string) => aRecord({ idempotency_key: 'k2', fingerprint });
    const results = await insertNotifications(notifications, [keyed('a'), keyed('b'), keyed('a'), aRecord()]);
    expect(results.map(({ outcome }) => outcome)).toEqual(['stored', 'conflict', 'replayed', 'stored']);
  });
  test('two callers may use the same key', async () => {
    const results = await insertNotifications(notifications, [
      aRecord({ idempotency_key: 'k3', caller: 'api' }),
      aRecord({ idempotency_key: 'k3', caller: 'web' }),
    ]);
    expect(results.map(({ outcome }) => outcome)).toEqual(['stored', 'stored']);
  });
});

describe('claiming', () => {
  test('of 50 simultaneous claims one wins', async () => {
    const id = await stored();
    const claims = await Promise.all(Array.from({ length: 50 }, () => claim([id])));
    expect(claims.flat()).toHaveLength(1);
    expect(claims.flat()[0]).toMatchObject({
      status: 'sending',
      previous_status: 'pending',
      attempt: 1,
      fence: 1,
    });
  });
  test('repeating a claim whose answer was lost, with its token, gives the same records', async () => {
    const id = await stored();
    const options = { token: randomUUID(), actor: 'test', leaseMs: 60_000 };
    await claimNotifications(notifications, [id], options);
    const again = await claimNotifications(notifications, [id], options);
    expect(again.map(({ attempt }) => attempt)).toEqual([1]);
  });
  test.each(['sent', 'canceled', 'failed_permanently', 'outcome_unknown', 'expired', 'discarded'] as const)(
    'what is %s is never claimed',
    async (status) => {
      expect(await claim([await stored({ status })])).toEqual([]);
    },
  );
  test('a retry is claimed when it is due, with two seconds of tolerance', async () => {
    const at = (ms: number) => new Date(Date.now() + ms);
    const early = await stored({ status: 'failed', next_retry_time: at(30_000) });
    const due = await stored({ status: 'failed', next_retry_time: at(1_000) });
    expect((await claim([early, due])).map(({ _id }) => _id)).toEqual([due]);
  });
  test('what has expired is not claimed, and the sweep ends it', async () => {
    const id = await stored({ expires_at: new Date(Date.now() - 1) });
    expect(await claim([id])).toEqual([]);
    expect(await expireOverdue(notifications, 30)).toBe(1);
    expect(await statusOf(id)).toBe('expired');
  });
  test('a claim over an expired lease is marked as ambiguous, and the result of the old claim changes nothing', async () => {
    const id = await stored();
    const [first] = await claim([id], 1);
    const second = await until(async () => (await claim([id]))[0]);
    expect(second).toMatchObject({
      previous_status: 'sending',
      interrupted: 1,
      ambiguous_count: 1,
      fence: 2,
    });
    expect(second.timeline.at(-1)).toMatchObject({ status: 'sending', ambiguous: true, code: 'interrupted' });
    expect(await recordResults(notifications, [sentResult(id, first?.fence ?? 0)], 30)).toEqual(new Set());
    const record = await notifications.findOne({ _id: id });
    expect(record?.status).toBe('sending');
    expect(record?.timeline.at(-1)).toMatchObject({ code: 'late_result' });
  });
  test('a renewed lease is not taken over; a renewal tells which claims are lost', async () => {
    const [mine, lost] = [await stored(), await stored()];
    const token = randomUUID();
    await claimNotifications(notifications, [mine, lost], { token, actor: 'test', leaseMs: 1 });
    await until(async () => (await claim([lost])).length === 1);
    const claims = [mine, lost].map((id) => ({ id, token }));
    expect(await renewLeases(notifications, claims, 60_000)).toEqual(new Set([mine]));
    expect(await claim([mine])).toEqual([]);
  });
});

interface Drawn {
  status: string;
  fence: number;
  ambiguous: boolean;
  reason: string | undefined;
  code: string | undefined;
  provider_message_id: string | undefined;
  error: { code: string; reason: string } | undefined;
  retry_count: number | undefined;
  delayMs: number;
  isOvertaken: boolean;
}
/** A record whose result is expected; of an overtaken one, somebody else has the claim by now. */
const sending = ({ fence, isOvertaken }: Drawn) =>
  aRecord({ status: 'sending', attempt: fence, fence: isOvertaken ? fence + 1 : fence, claim: randomUUID() });
const resultOf = ({
  status,
  fence,
  ambiguous,
  reason,
  code,
  delayMs,
  isOvertaken: _,
  ...set
}: Drawn): Omit<Result, 'id'> => ({
  fence,
  status: status as Result['status'],
  change: {
    actor: 'test',
    attempt: fence,
    ...(reason !== undefined && { reason }),
    ...(code !== undefined && { code }),
    ...(ambiguous && { ambiguous: true as const }),
  },
  set: Object.fromEntries(Object.entries(set).filter(([, value]) => value !== undefined)),
  ...((status === 'failed' || status === 'held') && { delayMs }),
});
/** A record without what is its own: ids, and the moments, which are told only by whether they are there and how far in the future. */
async function plain(id: string): Promise<unknown> {
  const record = await notifications.findOne({ _id: id });
  return JSON.parse(
    JSON.stringify(record, (key, value: unknown) => {
      if (key === '_id' || key === 'claim') return undefined;
      const isMoment = typeof value === 'string' && /^\d{4}-\d\d-\d\dT/.test(value);
      return isMoment ? `in ${Math.round((Date.parse(value) - Date.now()) / 60_000)} min` : value;
    }),
  );
}

describe('recording', () => {
  test('repeating a bulk whose answer was lost says that it is recorded, and records nothing twice', async () => {
    const id = await stored();
    await claim([id]);
    await recordResults(notifications, [sentResult(id, 1)], 30);
    expect(await recordResults(notifications, [sentResult(id, 1)], 30)).toEqual(new Set([id]));
    const record = await notifications.findOne({ _id: id });
    expect(record?.timeline.filter(({ status }) => status === 'sent')).toHaveLength(1);
    expect(record?.delete_at?.getTime()).toBeGreaterThan(Date.now() + 29 * 86_400_000);
  });
  test('results recorded together are what each would be recorded alone, also when half of them were already', async () => {
    const texts = fc.constantFrom('550', '$user_id', '', '{"$ne": 1}', 'ünïcode', '$$NOW');
    const result = fc.record({
      status: fc.constantFrom('sent', 'failed', 'failed_permanently', 'held', 'outcome_unknown'),
      fence: fc.constantFrom(1, 2),
      ambiguous: fc.boolean(),
      reason: fc.option(texts, { nil: undefined }),
      code: fc.option(texts, { nil: undefined }),
      provider_message_id: fc.option(texts, { nil: undefined }),
      error: fc.option(fc.record({ code: texts, reason: texts }), { nil: undefined }),
      retry_count: fc.option(fc.nat(5), { nil: undefined }),
      delayMs: fc.constantFrom(1_000, 2_000),
      isOvertaken: fc.boolean(),
    });
    const property = fc.asyncProperty(
      fc.array(result, { minLength: 1, maxLength: 40 }),
      fc.nat(40),
      async (drawn, done) => {
        const together = drawn.map((one) => ({ record: sending(one), result: resultOf(one) }));
        const alone = drawn.map((one) => ({ record: sending(one), result: resultOf(one) }));
        await notifications.insertMany([...together, ...alone].map(({ record }) => record));
        const named = (pairs: typeof together) =>
          pairs.map(({ record, result: one }) => ({ ...one, id: record._id }));
        const oneByOne: boolean[] = [];
        for (const one of named(alone))
          oneByOne.push((await recordResults(notifications, [one], 30)).has(one.id));
        await recordResults(notifications, named(together).slice(0, done), 30);
        const recorded = await recordResults(notifications, named(together), 30);
        expect(together.map(({ record }) => recorded.has(record._id))).toEqual(oneByOne);
        for (const [index, { record }] of together.entries())
          if (!drawn[index]?.isOvertaken)
            expect(await plain(record._id)).toEqual(await plain(alone[index]?.record._id ?? ''));
      },
    );
    await fc.assert(property, { numRuns: 25 });
  }, 60_000);
  test('a text that looks like an expression stays a text', async () => {
    const id = await stored();
    await claim([id]);
    const change = { actor: 'test', attempt: 1, reason: '$user_id', code: '$$NOW' };
    await recordResults(notifications, [{ id, fence: 1, status: 'failed', change, delayMs: 5 }], 30);
    expect((await notifications.findOne({ _id: id }))?.timeline.at(-1)).toMatchObject({
      reason: '$user_id',
      code: '$$NOW',
    });
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
      await stored({ type: 'in_app' }),
      await stored({ type: 'in_app', status: 'canceled' }),
    ];
    const mine = options();
    expect(await sendAtOnce(notifications, [id, canceled], mine)).toEqual(new Set([id]));
    expect(await sendAtOnce(notifications, [id, canceled], mine)).toEqual(new Set([id]));
    expect(await sendAtOnce(notifications, [id, canceled], options())).toEqual(new Set());
    const record = await notifications.findOne({ _id: id });
    expect(record).toMatchObject({ status: 'sent', attempt: 1, unread: true });
    expect(record?.timeline.filter(({ status }) => status === 'sent')).toHaveLength(1);
  });
  test('an expired one under a dead lease is not sent', async () => {
    const past = new Date(Date.now() - 1_000);
    const id = await stored({ type: 'in_app', status: 'sending', lease_until: past, expires_at: past });
    expect(await sendAtOnce(notifications, [id], options())).toEqual(new Set());
  });
});

describe('the outbox', () => {
  test('a claim takes a record out of it', async () => {
    const id = await stored({ unpublished: true });
    await claim([id]);
    expect((await notifications.findOne({ _id: id }))?.unpublished).toBeUndefined();
  });
  test('a late note that a message was published leaves the mark of a later one', async () => {
    const [fresh, later] = [
      await stored({ unpublished: true }),
      await stored({ unpublished: true, attempt: 1 }),
    ];
    await clearUnpublished(
      notifications,
      [fresh, later].map((_id) => ({ _id, attempt: 0 })),
    );
    await until(async () => (await notifications.findOne({ _id: fresh }))?.unpublished === undefined);
    expect((await notifications.findOne({ _id: later }))?.unpublished).toBe(true);
  });
});

describe('steering', () => {
  const by = { actor: 'api', reason: 'test' };
  test('a cancel wins before the claim, and not after it', async () => {
    const [free, taken] = [await stored(), await stored()];
    await claim([taken]);
    expect((await cancelNotification(notifications, free, by, 30)).outcome).toBe('done');
    expect(await cancelNotification(notifications, taken, by, 30)).toEqual({
      outcome: 'conflict',
      state: 'sending',
    });
    expect(await claim([free])).toEqual([]);
    expect(await cancelNotification(notifications, 'nobody', by, 30)).toEqual({ outcome: 'missing' });
  });
  test('a manual retry works each time, with a full ladder', async () => {
    const id = await stored({ status: 'failed_permanently', retry_count: 5, interrupted: 5 });
    for (let round = 1; round <= 2; round += 1) {
      expect(await retryNotification(notifications, id, by)).toMatchObject({
        outcome: 'done',
        record: { status: 'pending', retry_count: 0, interrupted: 0, unpublished: true },
      });
      await notifications.updateOne({ _id: id }, { $set: { status: 'failed_permanently' } });
    }
  });
  test('a redrive takes the filter literally, and leaves alone what dies while it works', async () => {
    const error = { code: '550', reason: 'no', provider: 'smtp' };
    for (let n = 0; n < 3; n += 1) await stored({ status: 'failed_permanently', error });
    const other = await stored({ status: 'failed_permanently', error: { ...error, code: '552' } });
    let changed = 0;
    for await (const chunk of redriveDeadLetters(notifications, { code: '550' }, { change: by }))
      changed += chunk.changed;
    expect(changed).toBe(3);
    expect(await statusOf(other)).toBe('failed_permanently');
  });
  test('a redrive at a rate holds each until its turn', async () => {
    for (let n = 0; n < 4; n += 1) await stored({ status: 'failed_permanently' });
    for await (const chunk of redriveDeadLetters(notifications, {}, { change: by, rate: 2 }))
      expect(chunk.due).toEqual([]);
    const held = await notifications.find({ status: 'held' }).sort({ next_retry_time: 1 }).toArray();
    const spread =
      (held.at(-1)?.next_retry_time?.getTime() ?? 0) - (held[0]?.next_retry_time?.getTime() ?? 0);
    expect(held).toHaveLength(4);
    expect(spread).toBeGreaterThanOrEqual(1_500);
  });
  test('a discard says why on the timeline, and begins retention', async () => {
    const id = await stored({ status: 'failed_permanently' });
    const change = { actor: 'api', reason: 'customer left' };
    expect(await discardDeadLetters(notifications, {}, { change, retentionDays: 1 })).toBe(1);
    const record = await notifications.findOne({ _id: id });
    expect(record).toMatchObject({ status: 'discarded', delete_at: expect.any(Date) as Date });
    expect(record?.timeline.at(-1)).toMatchObject({ actor: 'api', reason: 'customer left' });
  });
});

describe('the sweeps', () => {
  test('the relay finds the unpublished of a lane by age; fresh ones are the producer’s', async () => {
    const ids = {
      old: '01800000-0000-7000-8000-000000000001',
      older: '01700000-0000-7000-8000-000000000001',
    };
    await stored({ _id: ids.old, unpublished: true });
    await stored({ _id: ids.older, unpublished: true });
    await stored({ unpublished: true });
    await stored({ lane: 'bulk', unpublished: true });
    const found = await findUnpublished(notifications, {
      type: 'email',
      lane: 'transactional',
      now: new Date(),
    });
    expect(found.map(({ _id }) => _id)).toEqual([ids.older, ids.old]);
  });
  test('what is due wakes once; a retry only when its message must be lost', async () => {
    const past = new Date(Date.now() - 10_000);
    const scheduled = await stored({ status: 'scheduled', next_retry_time: past });
    const retrying = await stored({ status: 'failed', next_retry_time: past });
    const forgotten = await stored({ status: 'failed', next_retry_time: new Date(Date.now() - 180_000) });
    const woken = await wakeDue(notifications);
    expect(new Set(woken.map(({ _id }) => _id))).toEqual(new Set([scheduled, forgotten]));
    expect(await statusOf(retrying)).toBe('failed');
    expect(await wakeDue(notifications)).toEqual([]);
  });
  test('a lost lease is found once a minute, not with every pass', async () => {
    const id = await stored();
    await claim([id], 1);
    expect((await until(async () => (await all(findLostLeases(notifications)))[0]))._id).toBe(id);
    expect(await all(findLostLeases(notifications))).toEqual([]);
  });
  test('a sweep goes through all that it finds, in batches', async () => {
    const old = new Date(Date.now() - 120_000);
    await notifications.insertMany(Array.from({ length: 1_201 }, () => aRecord({ updated_at: old })));
    expect(await all(findLostHints(notifications, 'email', 'transactional'))).toHaveLength(1_201);
  });
  test('what later ones have overtaken is lost; what waits behind them is not', async () => {
    const ago = (seconds: number) => new Date(Date.now() - seconds * 1_000);
    const lost = await stored({ updated_at: ago(600) });
    await stored({ updated_at: ago(200) });
    const overtaken = () => all(findOvertaken(notifications, 'email', 'transactional'));
    expect(await overtaken()).toEqual([]);
    const begun = await stored({ created_at: ago(250) });
    await claim([begun]);
    expect((await overtaken()).map(({ _id }) => _id)).toEqual([lost]);
  });
  test('a lock has one holder at a time', async () => {
    const locks = new Locks(store.db);
    const takes = await Promise.all(['a', 'b', 'c'].map((holder) => locks.take('job', holder, 60_000)));
    expect(takes.filter(Boolean)).toHaveLength(1);
    const winner = ['a', 'b', 'c'][takes.indexOf(true)] ?? '';
    await locks.release('job', winner);
    expect(await locks.take('job', 'd', 60_000)).toBe(true);
  });
});

describe('the indexes', () => {
  test('exist as they are declared', async () => {
    const names = (await notifications.indexes()).map(({ name }) => name);
    expect(names.sort()).toEqual(['_id_', ...INDEXES.notifications.map(({ name }) => name)].sort());
  });
  const queries: [string, object, object][] = [
    ['the newest', {}, { _id: -1 }],
    ['the newest of a channel', { type: 'sms' }, { _id: -1 }],
    ['the newest that were sent', { status: 'sent' }, { _id: -1 }],
    ['what retention deletes', { delete_at: { $lte: new Date() } }, { delete_at: 1 }],
    ['dead letters', { status: 'failed_permanently' }, { _id: -1 }],
    ['a list by status', { status: 'failed' }, { _id: -1 }],
    ['one person’s list', { user_id: 'u1' }, { _id: -1 }],
    ['the unread count', { user_id: 'u1', unread: true }, {}],
    ['the outbox', { unpublished: true, lane: 'bulk', type: 'sms' }, { _id: 1 }],
    ['an idempotency key', { caller: 'api', idempotency_key: 'k' }, {}],
    ['what is sending', { status: 'sending' }, {}],
    [
      'what is due',
      { next_retry_time: { $lte: new Date() }, status: { $in: ['failed', 'held', 'scheduled'] } },
      { next_retry_time: 1 },
    ],
    [
      'what expires',
      { expires_at: { $lte: new Date() }, status: { $in: ['scheduled', 'pending', 'held', 'failed'] } },
      {},
    ],
  ];
  test.each(queries)('%s is read from an index', async (_what, filter, sort) => {
    const plan = await notifications
      .find(filter)
      .sort(sort as { _id: 1 })
      .explain('queryPlanner');
    const text = JSON.stringify(
      (plan as { queryPlanner: { winningPlan: unknown } }).queryPlanner.winningPlan,
    );
    expect(text).toContain('IXSCAN');
    expect(text).not.toContain('COLLSCAN');
  });
});

test('lists page by cursor, newest first, without gaps or repeats', async () => {
  const ids: string[] = [];
  for (let n = 0; n < 7; n += 1) ids.unshift(await stored());
  const seen: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await listNotifications(notifications, { limit: 3, cursor });
    seen.push(...page.records.map(({ _id }) => _id));
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  expect(seen).toEqual(ids);
});
