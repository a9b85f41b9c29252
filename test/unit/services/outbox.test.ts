import { expect, test } from 'vitest';
import { Outbox } from '../../../services/producer/accept/outbox.ts';
import type { Publisher } from '../../../shared/broker/index.ts';
import { silentLogger } from '../../../shared/runtime/logger.ts';
import type { Notifications } from '../../../shared/store/index.ts';
import { until } from '../../support/until.ts';

/** Batches alone: nothing is published or stored here. */
const outbox = () =>
  new Outbox({ publisher: {} as Publisher, notifications: {} as Notifications, log: silentLogger });

/** Hands over batches of 1 000 that go on until they are told to end. */
function batches(count: number): { begun: () => number; endOne: () => void } {
  const ends: (() => void)[] = [];
  const box = outbox();
  for (let batch = 0; batch < count; batch += 1)
    void box.bulk(1_000, () => new Promise<void>((resolve) => ends.push(resolve)));
  return { begun: () => ends.length, endOne: () => ends[0]?.() };
}
const soon = () => new Promise((resolve) => setTimeout(resolve, 50));

test('so many batches at once are let in as there is room, and the next one when one ends', async () => {
  const { begun, endOne } = batches(8);
  await soon();
  expect(begun()).toBe(5);
  endOne();
  await soon();
  expect(begun()).toBe(6);
});

test('where there is no room for a second, they are let in all the same', async () => {
  const startedAt = performance.now();
  const { begun } = batches(8);
  await until(() => begun() === 8);
  expect(performance.now() - startedAt).toBeGreaterThan(900);
});
