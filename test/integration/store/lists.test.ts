import { expect, test } from 'vitest';
import { CHANNEL_NAMES, LANES, storedAttachmentOf } from '../../../shared/contracts/index.ts';
import { findUnpublished, getNotification, listNotifications } from '../../../shared/store/index.ts';
import { TestStore } from '../../support/test-store.ts';

const store = new TestStore();

test.each([
  ['all', {}],
  ['those of one state, whatever their queues', { status: 'pending' as const }],
])('lists of %s page by cursor, newest first, without gaps or repeats', async (_which, filter) => {
  const ids: string[] = [];
  for (let n = 0; n < 10; n += 1)
    ids.unshift(await store.add({ type: CHANNEL_NAMES[n % 3] ?? 'sms', lane: LANES[n % 2] ?? 'bulk' }));
  const seen: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await listNotifications(store.notifications, { ...filter, limit: 3, cursor });
    seen.push(...page.records.map(({ _id }) => _id));
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  expect(seen).toEqual(ids);
});

test('the bytes of files are not read for what is listed, shown or published', async () => {
  const file = storedAttachmentOf({ filename: 'a.txt', content_type: 'text/plain', content: 'QUJD' });
  const _id = await store.add({ attachments: [file], unpublished: true });
  const shown = { filename: 'a.txt', content_type: 'text/plain', bytes: 3 };
  const queue = { type: 'email', lane: 'transactional', now: new Date(Date.now() + 60_000) } as const;
  const records = [
    ...(await listNotifications(store.notifications, { limit: 1 })).records,
    ...(await findUnpublished(store.notifications, queue)),
    await getNotification(store.notifications, _id),
  ];
  expect(records.map((record) => record?.attachments)).toEqual([[shown], [shown], [shown]]);
  expect((await store.claim([_id]))[0]?.attachments).toEqual([file]);
});
