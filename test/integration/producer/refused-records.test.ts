import { afterAll, beforeAll, expect, test } from 'vitest';
import { openStore, type Store } from '../../../shared/store/index.ts';
import { HELLO, RequestsFleet } from '../../support/requests-fleet.ts';

const REFUSED = { ...HELLO, message: 'Refused' };
/** What callers read: MongoDB's words, and its code. */
const REASON = 'MongoDB refuses to store it: Document failed validation (error 121)';

let fleet: RequestsFleet;
let store: Store;

beforeAll(async () => {
  fleet = await RequestsFleet.start();
  store = openStore(fleet.servers.mongoUri, 'test');
  await store.db.command({ collMod: 'notifications', validator: { message: { $ne: REFUSED.message } } });
});
afterAll(async () => {
  await store.stop();
  await fleet.stop();
});

test('POST answers 500 with the reason when MongoDB refuses the record', async () => {
  const { status, json } = await fleet.producer.call('POST', '/v1/notifications', REFUSED);
  expect(status).toBe(500);
  expect(json).toMatchObject({ code: 'internal_error', detail: `${REASON}. Nothing was stored.` });
});

test('a batch rejects the item that MongoDB refuses, and accepts the others', async () => {
  const notifications = [HELLO, REFUSED, HELLO];
  const { status, json } = await fleet.producer.call('POST', '/v1/notifications/batch', { notifications });
  expect(status).toBe(202);
  expect(json).toMatchObject({
    accepted: [{ index: 0 }, { index: 2 }],
    rejected: [{ index: 1, errors: [{ field: 'body', message: REASON }] }],
  });
});

test('an AMQP request that MongoDB refuses is parked at once, and those behind it are taken', async () => {
  await fleet.handOver({ message_id: 'refused', request: REFUSED }, { message_id: 'behind', request: HELLO });
  await fleet.untilStored('behind', 2_000);
  const [parked] = await fleet.untilParked(1);
  expect(parked).toMatchObject({ message_id: 'refused', code: 'internal_error' });
  expect(parked?.reason).toContain(REASON);
});
