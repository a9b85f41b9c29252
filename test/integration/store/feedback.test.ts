import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { feedbackOf } from '../../../services/producer/callbacks/twilio-status.ts';
import { canGo, type Feedback, type Notification } from '../../../shared/contracts/index.ts';
import {
  EarlyFeedbacks,
  Suppressions,
  hearEarlyFeedback,
  hearFeedback,
  noteUnreadReport,
  recordResults,
  suppressionIdOf,
  type FeedbackStores,
} from '../../../shared/store/index.ts';
import { TestStore, all, sentResult } from '../../support/test-store.ts';

const store = new TestStore();
let stores: FeedbackStores;
const PHONE = '+15005550107';

beforeEach(async () => {
  stores = {
    notifications: store.notifications,
    suppressions: new Suppressions(store.db),
    early: new EarlyFeedbacks(store.db),
    retentionDays: 30,
  };
  for (const name of ['suppressions', 'feedback']) await store.db.collection(name).deleteMany({});
});

const aText = (more: Partial<Notification> = {}) => store.add({ type: 'sms', phone: PHONE, ...more });
const bounced = (id: string, more: Partial<Feedback> = {}): Feedback => ({
  notification_id: id,
  status: 'bounced',
  actor: 'callback:twilio',
  provider: 'twilio',
  code: '30005',
  reason: 'no such number',
  isForGood: true,
  ...more,
});
const delivered = (id: string, more: Partial<Feedback> = {}): Feedback => ({
  notification_id: id,
  status: 'delivered',
  actor: 'callback:twilio',
  provider: 'twilio',
  ...more,
});
const recordOf = async (id: string) => {
  const record = await store.notifications.findOne({ _id: id });
  if (!record) throw new Error(`no record ${id}`);
  return record;
};
const suppressed = () => stores.suppressions.among([suppressionIdOf('sms', PHONE)]);
const kept = async () => (await all(stores.early.chunks())).length;

/** Our own record of the hand-over, as a consumer writes it. */
async function recordSent(id: string, sid: string): Promise<void> {
  const [claimed] = await store.claim([id]);
  const result = { ...sentResult(id, claimed?.fence ?? 0), set: { provider_message_id: sid } };
  await recordResults(store.notifications, [result], 30);
}

describe('feedback about a record that MongoDB refuses to write', () => {
  const refuse = (validator: object) => store.db.command({ collMod: 'notifications', validator });
  afterEach(async () => {
    await refuse({});
    await store.db.collection('quarantine').deleteMany({});
  });

  test('waits until the record can be written, and holds up no other', async () => {
    const [bad, good] = [await aText({ message: 'Refused' }), await aText()];
    for (const id of [bad, good]) await recordSent(id, 'SM1');
    await refuse({ $nor: [{ message: 'Refused', status: 'delivered' }] });
    expect(await hearFeedback(stores, delivered(bad))).toBe('waits');
    expect(await store.notifications.quarantine.get(bad)).toMatchObject({ operation: 'record', code: '121' });
    expect(await hearFeedback(stores, delivered(bad))).toBe('waits');
    expect(await hearFeedback(stores, delivered(good))).toBe('moved');
    expect(await hearEarlyFeedback(stores)).toBe(0);
    await refuse({});
    await store.notifications.quarantine.remove([bad]);
    expect(await hearEarlyFeedback(stores)).toBe(1);
    expect((await recordOf(bad)).status).toBe('delivered');
  });

  test('that changes nothing is answered all the same', async () => {
    const id = await aText({ message: 'Refused' });
    await recordSent(id, 'SM1');
    await hearFeedback(stores, delivered(id));
    await refuse({ message: { $ne: 'Refused' } });
    expect(await hearFeedback(stores, bounced(id))).toBe('unchanged');
    await noteUnreadReport(store.notifications, id, 'no report');
    expect(await store.notifications.quarantine.get(id)).toBeUndefined();
  });
});

describe('callbacks in any order, repeated, before and after our own record', () => {
  const anyStatus = fc.constantFrom('queued', 'sent', 'delivered', 'undelivered', 'failed', 'read');
  test('the first final one decides, once, and nothing goes back', async () => {
    const property = fc.asyncProperty(
      fc.array(anyStatus, { maxLength: 7 }),
      fc.nat(7),
      async (said, sentAt) => {
        const id = await aText();
        for (const [index, MessageStatus] of said.entries()) {
          if (index === sentAt) await recordSent(id, 'SM1');
          const feedback = feedbackOf(id, { MessageSid: 'SM1', MessageStatus });
          if (feedback) await hearFeedback(stores, feedback);
        }
        if (sentAt >= said.length) await recordSent(id, 'SM1');
        await hearEarlyFeedback(stores);
        const first = said.find((one) => !['queued', 'sent'].includes(one));
        const expected =
          first === undefined ? 'sent' : ['delivered', 'read'].includes(first) ? 'delivered' : 'bounced';
        const { status, timeline: all } = await recordOf(id);
        expect(status).toBe(expected);
        // What contradicts the first one is noted, once, and moves nothing.
        const timeline = all.filter(({ code = '' }) => !code.startsWith('reported_'));
        const [late, ...more] = all.filter(({ code = '' }) => code.startsWith('reported_'));
        expect(more).toEqual([]);
        if (late)
          expect(late).toMatchObject({
            status,
            code: status === 'delivered' ? 'reported_bounced' : 'reported_delivered',
          });
        // Each step is in the table, and there is no step beyond the first final one.
        for (const [index, entry] of timeline.slice(1).entries())
          expect(canGo(timeline[index]?.status ?? 'pending', entry.status)).toBe(true);
        expect(timeline).toHaveLength(first === undefined ? 3 : 4);
        expect(await kept()).toBe(0);
      },
    );
    await fc.assert(property, { numRuns: 60 });
  }, 60_000);
});

test('the address is suppressed before the state says so: where it cannot be, nothing moves', async () => {
  const id = await aText({ status: 'sent', provider_message_id: 'SM1' });
  const failing = Object.assign(Object.create(stores.suppressions) as Suppressions, {
    add: () => Promise.reject(new Error('the store is away')),
  });
  await expect(hearFeedback({ ...stores, suppressions: failing }, bounced(id))).rejects.toThrow('away');
  expect(await store.statusOf(id)).toBe('sent');
  expect(await hearFeedback(stores, bounced(id))).toBe('moved');
  expect(await suppressed()).toHaveProperty('size', 1);
  expect(await stores.suppressions.get(suppressionIdOf('sms', PHONE))).toMatchObject({
    address: PHONE,
    code: '30005',
    notification_id: id,
    user_id: 'u1',
  });
});

test('what a person has lifted is not suppressed again by the same callback', async () => {
  const id = await aText({ status: 'sent', provider_message_id: 'SM1' });
  await hearFeedback(stores, bounced(id));
  await stores.suppressions.lift(suppressionIdOf('sms', PHONE));
  expect(await hearFeedback(stores, bounced(id))).toBe('unchanged');
  expect(await suppressed()).toHaveProperty('size', 0);
});

test('an unknown outcome is settled by what the provider says', async () => {
  const reached = await aText({ status: 'outcome_unknown', error: { code: 'timeout', reason: 'late' } });
  const lost = await aText({ status: 'outcome_unknown', error: { code: 'timeout', reason: 'late' } });
  await hearFeedback(stores, delivered(reached, { provider_message_id: 'SM1' }));
  await hearFeedback(stores, bounced(lost, { provider_message_id: 'SM2' }));
  const one = await recordOf(reached);
  expect(one).toMatchObject({
    status: 'delivered',
    provider_message_id: 'SM1',
    sent_at: expect.any(Date) as Date,
  });
  expect(one).not.toHaveProperty('error');
  expect(one.delete_at?.getTime()).toBeGreaterThan(Date.now());
  expect(await recordOf(lost)).toMatchObject({
    status: 'bounced',
    error: { code: '30005', provider: 'twilio' },
  });
});

test('that one hand-over came back says nothing about another, but whichever reached the person did', async () => {
  const id = await aText({ status: 'sent', provider_message_id: 'SM2' });
  expect(await hearFeedback(stores, bounced(id, { provider_message_id: 'SM1' }))).toBe('unchanged');
  expect(await suppressed()).toHaveProperty('size', 0);
  expect(await hearFeedback(stores, delivered(id, { provider_message_id: 'SM1' }))).toBe('moved');
});

test.each(['pending', 'sending', 'failed', 'held', 'scheduled'] as const)(
  'for what is %s it waits, and changes nothing yet',
  async (status) => {
    const id = await aText({ status });
    expect(await hearFeedback(stores, bounced(id))).toBe('waits');
    expect(await hearFeedback(stores, delivered(id))).toBe('waits');
    expect(await hearEarlyFeedback(stores)).toBe(0);
    expect([await store.statusOf(id), await kept()]).toEqual([status, 1]);
    expect(await suppressed()).toHaveProperty('size', 0);
  },
);

test.each(['failed', 'held'] as const)(
  'what is %s after an ambiguous attempt is not sent again when it arrived; that it came back changes nothing yet',
  async (status) => {
    const more = { status, ambiguous_count: 1, next_retry_time: new Date(Date.now() - 1_000) };
    const [reached, lost] = [await aText(more), await aText(more)];
    expect(await hearFeedback(stores, delivered(reached, { provider_message_id: 'SM1' }))).toBe('moved');
    expect(await hearFeedback(stores, bounced(lost))).toBe('waits');
    expect(await recordOf(reached)).toMatchObject({ status: 'delivered', provider_message_id: 'SM1' });
    expect(await recordOf(reached)).not.toHaveProperty('next_retry_time');
    expect(await store.statusOf(lost)).toBe(status);
    expect(await store.claim([reached])).toEqual([]);
  },
);

test.each(['canceled', 'expired', 'discarded', 'failed_permanently', 'suppressed'] as const)(
  'what is %s stays so',
  async (status) => {
    const id = await aText({ status });
    expect(await hearFeedback(stores, delivered(id))).toBe('unchanged');
    expect(await store.statusOf(id)).toBe(status);
  },
);

test('of whom is erased nothing is noted, and nothing that is not there is kept', async () => {
  const id = await aText({ status: 'sent', user_id: '', erased_at: new Date() });
  expect(await hearFeedback(stores, bounced(id))).toBe('unchanged');
  expect(await hearFeedback(stores, bounced('nothing'))).toBe('missing');
  expect([await store.statusOf(id), await kept()]).toEqual(['sent', 0]);
});

test('of whom is erased nothing stays kept', async () => {
  const id = await aText({ status: 'failed' });
  await hearFeedback(stores, bounced(id, { reason: `no such number ${PHONE}` }));
  expect(await kept()).toBe(1);
  await store.notifications.updateOne({ _id: id }, { $set: { status: 'canceled', erased_at: new Date() } });
  expect(await hearEarlyFeedback(stores)).toBe(0);
  expect(await kept()).toBe(0);
});

test('what is kept ends eight days later', async () => {
  const id = await aText({ status: 'failed' });
  await hearFeedback(stores, bounced(id));
  const [one] = await all(stores.early.chunks());
  const days = ((one?.delete_at.getTime() ?? 0) - Date.now()) / 86_400_000;
  expect(days).toBeGreaterThan(7.9);
  expect(days).toBeLessThanOrEqual(8);
});

test('one hand-over that many report at the same time, early, is kept once, and none of them fails', async () => {
  const id = await aText({ status: 'pending' });
  const heard = await Promise.all(Array.from({ length: 30 }, () => hearFeedback(stores, bounced(id))));
  expect(new Set(heard)).toEqual(new Set(['waits']));
  expect(await kept()).toBe(1);
});

test('one that cannot be heard stays, and stops none behind it', async () => {
  const ids = [await aText({ status: 'failed' }), await aText({ status: 'failed' })].toSorted();
  const [stuck = '', behind = ''] = ids;
  await hearFeedback(stores, bounced(stuck));
  await hearFeedback(stores, delivered(behind));
  await store.notifications.updateMany({ _id: { $in: ids } }, { $set: { status: 'sent' } });
  const failing = Object.assign(Object.create(stores.suppressions) as Suppressions, {
    add: () => Promise.reject(new Error('too odd for the store')),
  });
  await expect(hearEarlyFeedback({ ...stores, suppressions: failing })).rejects.toThrow('too odd');
  expect([await store.statusOf(stuck), await store.statusOf(behind), await kept()]).toEqual([
    'sent',
    'delivered',
    1,
  ]);
});

test('a list of suppressions is read from its index, page by page, newest first', async () => {
  const addresses = Array.from({ length: 5 }, (_, index) => `P${index}@Example.org`);
  for (const [index, address] of addresses.entries())
    await stores.suppressions.add({
      _id: suppressionIdOf('email', address),
      ...{
        channel: 'email',
        address,
        code: '5.1.1',
        actor: 'test',
        since: new Date(1_000 * Math.floor(index / 2)),
      },
    });
  const seen: string[] = [];
  for (let cursor: string | undefined; ;) {
    const page = await stores.suppressions.list({ cursor, limit: 2 });
    seen.push(...page.suppressions.map(({ address = '' }) => address));
    if (page.nextCursor === null) break;
    cursor = page.nextCursor;
  }
  expect(seen[0]).toBe('P4@Example.org');
  expect(seen.toSorted()).toEqual(addresses);
  // Mail is addressed in either case.
  const { suppressions } = await stores.suppressions.list({ address: 'p3@example.ORG', limit: 10 });
  expect(suppressions.map(({ address }) => address)).toEqual(['P3@Example.org']);
  const plan = await store.db
    .collection('suppressions')
    .find({ channel: { $in: ['email', 'sms'] } })
    .sort({ since: -1, _id: -1 })
    .explain('queryPlanner');
  const text = JSON.stringify((plan as { queryPlanner: { winningPlan: unknown } }).queryPlanner.winningPlan);
  expect(text).toContain('IXSCAN');
  expect(text).not.toContain('"SORT"');
});

describe('a refusal that may pass', () => {
  const full = (id: string): Feedback => ({
    notification_id: id,
    status: 'bounced',
    actor: 'callback:twilio',
    provider: 'twilio',
    code: '30006',
    suppressAfter: { reports: 3, overDays: 7 },
  });
  const softBounces = () => store.db.collection<{ _id: string; days: string[] }>('soft_bounces');
  const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10);
  const refusedOn = (...days: string[]) =>
    softBounces().insertOne({ _id: suppressionIdOf('sms', PHONE), days });
  const refuse = async () => hearFeedback(stores, full(await aText({ status: 'sent' })));
  beforeEach(() => softBounces().deleteMany({}));

  test('suppresses nothing, however often it comes on one day', async () => {
    expect(await Promise.all(Array.from({ length: 12 }, refuse))).toEqual(Array(12).fill('moved'));
    expect(await suppressed()).toHaveProperty('size', 0);
    expect((await softBounces().findOne())?.days).toEqual([daysAgo(0)]);
  });
  test('suppresses after three days, the first and the last a week apart', async () => {
    await refusedOn(daysAgo(7), daysAgo(3));
    await refuse();
    expect(await suppressed()).toHaveProperty('size', 1);
    expect(await softBounces().countDocuments()).toBe(0);
  });
  test.each([
    ['three days that are closer', [daysAgo(6), daysAgo(3)]],
    ['two days', [daysAgo(30)]],
    ['days of a quarter of a year ago', [daysAgo(100), daysAgo(95), daysAgo(92)]],
  ])('suppresses nothing after %s', async (_what, days) => {
    await refusedOn(...days);
    await refuse();
    expect(await suppressed()).toHaveProperty('size', 0);
  });
  test('is forgotten once the address took something', async () => {
    await refusedOn(daysAgo(7), daysAgo(3));
    await hearFeedback(stores, delivered(await aText({ status: 'sent' })));
    await refuse();
    expect(await suppressed()).toHaveProperty('size', 0);
  });
  test('is kept without the address', async () => {
    await refuse();
    expect(JSON.stringify(await softBounces().findOne())).not.toContain(PHONE.slice(1));
  });
});

test('an address is suppressed once, whoever says so at the same time', async () => {
  const records = await Promise.all(Array.from({ length: 20 }, () => aText({ status: 'sent' })));
  const heard = await Promise.all(records.map((id) => hearFeedback(stores, bounced(id))));
  expect(heard).toEqual(records.map(() => 'moved'));
  expect(await store.db.collection('suppressions').countDocuments()).toBe(1);
});

test.each(['failed_permanently', 'suppressed', 'expired', 'canceled', 'discarded'] as const)(
  'a report about what is %s is on its timeline, once, and changes nothing else',
  async (status) => {
    const error = { code: '30008', reason: 'unknown error' };
    const id = await aText({ status, error, provider_message_id: 'SM1' });
    const before = await recordOf(id);
    const report = delivered(id, { provider_message_id: 'SM1' });
    expect(await hearFeedback(stores, report)).toBe('unchanged');
    expect(await hearFeedback(stores, report)).toBe('unchanged');
    const { timeline, ...after } = await recordOf(id);
    expect({ ...after, timeline: before.timeline }).toEqual(before);
    expect(timeline.slice(before.timeline.length)).toEqual([
      {
        at: expect.any(Date) as Date,
        status,
        actor: 'callback:twilio',
        code: 'reported_delivered',
        reason: 'reported as delivered, SM1',
      },
    ]);
  },
);

test('a report that says nothing new, or is about somebody erased, is not noted', async () => {
  const known = await aText({ status: 'delivered', provider_message_id: 'SM1' });
  const erased = await aText({ status: 'discarded', erased_at: new Date() });
  await hearFeedback(stores, delivered(known, { provider_message_id: 'SM1' }));
  await hearFeedback(stores, delivered(erased));
  expect((await recordOf(known)).timeline).toHaveLength(1);
  expect((await recordOf(erased)).timeline).toHaveLength(1);
});

test('that an earlier hand-over came back, and that another one arrived as well, is noted', async () => {
  const sent = await aText({ status: 'sent', provider_message_id: 'SM2' });
  const arrived = await aText({ status: 'delivered', provider_message_id: 'SM2' });
  await hearFeedback(stores, bounced(sent, { provider_message_id: 'SM1' }));
  await hearFeedback(stores, delivered(arrived, { provider_message_id: 'SM1' }));
  expect((await recordOf(sent)).timeline.at(-1)).toMatchObject({
    status: 'sent',
    code: 'reported_bounced',
    reason: 'reported as bounced, SM1, 30005, no such number',
  });
  expect((await recordOf(arrived)).timeline.at(-1)).toMatchObject({ code: 'reported_delivered' });
});
