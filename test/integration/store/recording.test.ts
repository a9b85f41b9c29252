import fc from 'fast-check';
import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { recordResults, type Result } from '../../../shared/store/index.ts';
import { aRecord } from '../../support/records.ts';
import { TestStore, sentResult } from '../../support/test-store.ts';

const store = new TestStore();

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
  const record = await store.notifications.findOne({ _id: id });
  return JSON.parse(
    JSON.stringify(record, (key, value: unknown) => {
      if (key === '_id' || key === 'claim') return undefined;
      // Its last word is how long that took.
      if (key === 'moved' && typeof value === 'string') return value.replace(/ \d+$/, ' some ms');
      const isMoment = typeof value === 'string' && /^\d{4}-\d\d-\d\dT/.test(value);
      return isMoment ? `in ${Math.round((Date.parse(value) - Date.now()) / 60_000)} min` : value;
    }),
  );
}

describe('recording', () => {
  test('repeating a bulk whose answer was lost says that it is recorded, and records nothing twice', async () => {
    const id = await store.add();
    await store.claim([id]);
    await recordResults(store.notifications, [sentResult(id, 1)], 30);
    expect(await recordResults(store.notifications, [sentResult(id, 1)], 30)).toEqual(new Set([id]));
    const record = await store.notifications.findOne({ _id: id });
    expect(record?.timeline.filter(({ status }) => status === 'sent')).toHaveLength(1);
    expect(record?.delete_at?.getTime()).toBeGreaterThan(Date.now() + 29 * 86_400_000);
  });
  test('a hold of our own does not begin the time after which a hold expires, and leaves one that runs', async () => {
    const held = async (since?: Date) => {
      const id = await store.add(since ? { held_since: since } : {});
      const fence = (await store.claim([id]))[0]?.fence ?? 0;
      const change = { actor: 'test', attempt: 1 };
      await recordResults(
        store.notifications,
        [{ id, fence, status: 'held', change, delayMs: 1, countsAsHold: false }],
        30,
      );
      return (await store.notifications.findOne({ _id: id }))?.held_since;
    };
    expect(await held()).toBeUndefined();
    const since = new Date(Date.now() - 60_000);
    expect(await held(since)).toEqual(since);
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
        await store.notifications.insertMany([...together, ...alone].map(({ record }) => record));
        const named = (pairs: typeof together) =>
          pairs.map(({ record, result: one }) => ({ ...one, id: record._id }));
        const oneByOne: boolean[] = [];
        for (const one of named(alone))
          oneByOne.push((await recordResults(store.notifications, [one], 30)).has(one.id));
        await recordResults(store.notifications, named(together).slice(0, done), 30);
        const recorded = await recordResults(store.notifications, named(together), 30);
        expect(together.map(({ record }) => recorded.has(record._id))).toEqual(oneByOne);
        for (const [index, { record }] of together.entries())
          if (!drawn[index]?.isOvertaken)
            expect(await plain(record._id)).toEqual(await plain(alone[index]?.record._id ?? ''));
      },
    );
    await fc.assert(property, { numRuns: 25 });
  }, 60_000);
  test('a text that looks like an expression stays a text', async () => {
    const id = await store.add();
    await store.claim([id]);
    const change = { actor: 'test', attempt: 1, reason: '$user_id', code: '$$NOW' };
    await recordResults(store.notifications, [{ id, fence: 1, status: 'failed', change, delayMs: 5 }], 30);
    expect((await store.notifications.findOne({ _id: id }))?.timeline.at(-1)).toMatchObject({
      reason: '$user_id',
      code: '$$NOW',
    });
  });
});
