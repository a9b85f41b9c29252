import { expect, test } from 'vitest';
import { Acceptor } from '../../../services/producer/accept/acceptor.ts';
import type { Publisher } from '../../../shared/broker/index.ts';
import { silentLogger } from '../../../shared/runtime/logger.ts';
import { StoreTimeout } from '../../../shared/store/index.ts';
import { aRecord } from '../../support/records.ts';
import { TestStore } from '../../support/test-store.ts';

const store = new TestStore();

test('what comes when its caller has had a 503 already is not stored any more', async () => {
  const { notifications } = store;
  const acceptor = new Acceptor({
    notifications,
    publisher: {} as Publisher,
    isOpen: () => true,
    log: silentLogger,
  });
  await expect(acceptor.accept(aRecord({ status: 'scheduled' }), -1)).rejects.toThrow(StoreTimeout);
  await acceptor.accept(aRecord({ status: 'scheduled' }), 1_000);
  await acceptor.drain();
  expect(await notifications.countDocuments()).toBe(1);
});
