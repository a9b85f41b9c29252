import { expect, test } from 'vitest';
import { CHANNEL_NAMES, LANES } from '../../../shared/contracts/index.ts';
import { listNotifications } from '../../../shared/store/index.ts';
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
