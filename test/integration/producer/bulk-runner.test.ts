import { randomUUID } from 'node:crypto';
import { beforeEach, expect, test } from 'vitest';
import type { Acceptor } from '../../../services/producer/accept/acceptor.ts';
import { BulkRunner, type BulkOrder } from '../../../services/producer/bulk-runner.ts';
import { silentLogger } from '../../../shared/runtime/logger.ts';
import { Audit, BulkActs } from '../../../shared/store/index.ts';
import { aRecord } from '../../support/records.ts';
import { TestStore } from '../../support/test-store.ts';
import { until } from '../../support/until.ts';

const store = new TestStore();
/** More than two steps. */
const MANY = 1_200;
let acts: BulkActs;
let runner: BulkRunner;

beforeEach(async () => {
  acts = new BulkActs(store.db);
  runner = new BulkRunner({
    acts,
    audit: new Audit(store.db, { keepDays: 1, log: silentLogger }),
    notifications: store.notifications,
    // A discard publishes nothing.
    acceptor: {} as Acceptor,
    retentionDays: 1,
    log: silentLogger,
  });
  await store.notifications.insertMany(
    Array.from({ length: MANY }, () => aRecord({ status: 'failed_permanently' })),
  );
});

const order = (): BulkOrder => ({
  id: randomUUID(),
  kind: 'discard',
  actor: 'test',
  reason: 'because',
  filter: {},
});
const ended = (id: string) =>
  until(async () => {
    const act = await acts.get(id);
    return act?.outcome !== undefined && act;
  });

test('an act goes through all that matches, and says so', async () => {
  const one = order();
  await runner.begin(one);
  expect(await ended(one.id)).toMatchObject({
    outcome: 'done',
    matched: MANY,
    changed: MANY,
    reason: 'because',
  });
  expect(await store.notifications.countDocuments({ status: 'discarded' })).toBe(MANY);
});

test('ordered twice at once it is done once', async () => {
  const one = order();
  await Promise.all([runner.begin(one), runner.begin(one)]);
  expect(await ended(one.id)).toMatchObject({ outcome: 'done', changed: MANY });
  expect(await acts.latest()).toContainEqual(expect.objectContaining({ _id: one.id }));
});

test('an abort ends it after the step under way', async () => {
  const one = order();
  await runner.begin(one);
  expect(await acts.wantAbort(one.id)).toBe(true);
  const { outcome, changed } = await ended(one.id);
  expect(outcome).toBe('aborted');
  expect(changed).toBeLessThan(MANY);
  expect(await store.notifications.countDocuments({ status: 'discarded' })).toBe(changed);
  expect(await acts.wantAbort(one.id)).toBe(false);
});

test('a process that stops leaves it noted as interrupted', async () => {
  const one = order();
  await runner.begin(one);
  await runner.stop();
  const { outcome, changed } = await ended(one.id);
  expect(outcome).toBe('interrupted');
  expect(changed).toBeLessThan(MANY);
});

test('one that lost its process counts as interrupted after a while', async () => {
  const { id: _id, kind, actor, reason, filter } = order();
  const what = { _id, kind, actor, reason, filter };
  const longAgo = new Date(Date.now() - 300_000);
  await acts.begin({ ...what, matched: MANY, changed: 500, started_at: longAgo, beat_at: longAgo });
  expect((await acts.get(_id))?.outcome).toBe('interrupted');
});
