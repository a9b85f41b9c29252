import { expect, test } from 'vitest';
import { Acceptor } from '../../../services/producer/accept/acceptor.ts';
import type { Publisher } from '../../../shared/broker/index.ts';
import { silentLogger } from '../../../shared/runtime/logger.ts';
import { StoreTimeout } from '../../../shared/store/index.ts';
import { aRecord } from '../../support/records.ts';
import { TestStore } from '../../support/test-store.ts';

const store = new TestStore();

const acceptorOf = () =>
  new Acceptor({
    notifications: store.notifications,
    publisher: {} as Publisher,
    isOpen: () => true,
    log: silentLogger,
  });

test('what its caller gives up before it is written is not stored', async () => {
  const acceptor = acceptorOf();
  const givenUp = new AbortController();
  const accepting = acceptor.accept(aRecord({ status: 'scheduled' }), 1_000, givenUp.signal);
  givenUp.abort();
  await accepting;
  await acceptor.accept(aRecord({ status: 'scheduled' }), 1_000, new AbortController().signal);
  await acceptor.drain();
  expect(await store.notifications.countDocuments()).toBe(1);
});

test('what comes when its caller has had a 503 already is not stored any more', async () => {
  const acceptor = acceptorOf();
  await expect(acceptor.accept(aRecord({ status: 'scheduled' }), -1)).rejects.toThrow(StoreTimeout);
  await acceptor.accept(aRecord({ status: 'scheduled' }), 1_000);
  await acceptor.drain();
  expect(await store.notifications.countDocuments()).toBe(1);
});
