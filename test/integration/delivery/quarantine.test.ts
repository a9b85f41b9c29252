import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { openStore, type Store } from '../../../shared/store/index.ts';
import { MailFleet } from '../../support/mail-fleet.ts';
import { until } from '../../support/until.ts';

let fleet: MailFleet;
let store: Store;
const mail = { user_id: 'u1', type: 'email', subject: 'Hi', message: 'Hello' };

beforeAll(async () => {
  fleet = await MailFleet.start({ LEASE_SECONDS: '30' }, { scheduler: true });
  store = openStore(fleet.servers.mongoUri, 'test');
});
afterEach(async () => {
  await refuse({});
  fleet.sandbox.mailbox.clear();
});
afterAll(async () => {
  await store.stop();
  await fleet.stop();
});

/** Has MongoDB refuse every write that leaves a record in a state that the validator does not take. */
async function refuse(validator: object): Promise<void> {
  await store.db.command({ collMod: 'notifications', validator });
}

/** Refuses the claim of records to one address. */
function refuseClaimsOf(email: string): Promise<void> {
  return refuse({ $nor: [{ email, status: 'sending' }] });
}

/** Sends mails, each to an address of its own; answers their ids. */
async function send(addresses: readonly string[]): Promise<string[]> {
  const notifications = addresses.map((email) => ({ ...mail, email }));
  const { json } = await fleet.producer.call('POST', '/v1/notifications/batch', { notifications });
  return (json as { accepted: { id: string }[] }).accepted.map(({ id }) => id);
}

async function look(id: string): Promise<Record<string, unknown>> {
  return (await fleet.producer.call('GET', `/v1/notifications/${id}`)).json;
}

function untilQuarantined(id: string): Promise<unknown> {
  return until(async () => (await look(id)).quarantine);
}

function untilStatus(id: string, status: string): Promise<unknown> {
  return until(async () => (await look(id)).status === status);
}

describe('A record that MongoDB refuses to claim', () => {
  test('is quarantined with its reason while all others of its lane are sent', async () => {
    await refuseClaimsOf('bad@example.org');
    const addresses = Array.from({ length: 300 }, (_, index) => `p${index}@example.org`);
    const ids = await send([...addresses.slice(0, 150), 'bad@example.org', ...addresses.slice(150)]);
    const bad = ids[150] ?? '';
    expect(await untilQuarantined(bad)).toMatchObject({
      id: bad,
      status: 'pending',
      operation: 'claim',
      code: '121',
      reason: expect.stringContaining('failed validation') as string,
    });
    await until(async () => (await fleet.notifications.countDocuments({ status: 'sent' })) === 300);
    const { json: stats } = await fleet.producer.call('GET', '/stats');
    expect(stats).toMatchObject({ quarantined: 1 });
    const { text: metrics } = await fleet.producer.call('GET', '/metrics');
    expect(metrics).toContain('tidings_quarantined 1');
    const { json: list } = await fleet.producer.call('GET', '/v1/quarantine');
    expect(list).toMatchObject({ quarantined: [{ id: bad }] });
    await fleet.producer.call('POST', `/v1/quarantine/${bad}/discard`);
  });

  test('stays in quarantine when a retry is refused, and is sent once it can be written', async () => {
    await refuseClaimsOf('bad@example.org');
    const [bad = ''] = await send(['bad@example.org']);
    await untilQuarantined(bad);
    await refuse({ email: { $ne: 'bad@example.org' } });
    const refused = await fleet.producer.call('POST', `/v1/quarantine/${bad}/retry`);
    expect(refused.status).toBe(409);
    expect(refused.json.detail).toMatch(/^MongoDB still refuses to write the record: .*failed validation/);
    await refuse({});
    expect((await fleet.producer.call('POST', `/v1/quarantine/${bad}/retry`)).json).toEqual({
      id: bad,
      outcome: 'released',
    });
    await untilStatus(bad, 'sent');
    expect((await look(bad)).quarantine).toBeUndefined();
  });

  test('can be discarded, also while MongoDB refuses to write that', async () => {
    await refuse({ $nor: [{ email: 'bad@example.org', status: { $ne: 'pending' } }] });
    const [bad = ''] = await send(['bad@example.org']);
    await untilQuarantined(bad);
    expect((await fleet.producer.call('POST', `/v1/quarantine/${bad}/discard`)).json).toEqual({
      id: bad,
      outcome: 'discarded',
    });
    expect(await look(bad)).toMatchObject({
      status: 'pending',
      quarantine: { discarded_at: expect.any(String) as string },
    });
    expect((await fleet.producer.call('GET', '/stats')).json).toMatchObject({ quarantined: 0 });
    expect((await fleet.producer.call('POST', `/v1/quarantine/${bad}/retry`)).status).toBe(404);
  });
});

describe('A result that MongoDB refuses to record', () => {
  test('is kept, and a retry records it without sending again', async () => {
    await refuse({ $nor: [{ email: 'bad@example.org', status: 'sent' }] });
    const [bad = '', good = ''] = await send(['bad@example.org', 'good@example.org']);
    expect(await untilQuarantined(bad)).toMatchObject({
      operation: 'record',
      status: 'sending',
      result: 'sent',
    });
    await untilStatus(good, 'sent');
    await refuse({});
    await fleet.producer.call('POST', `/v1/quarantine/${bad}/retry`);
    await untilStatus(bad, 'sent');
    const received = fleet.sandbox.mailbox
      .mails()
      .filter(({ envelope }) => envelope.to.includes('bad@example.org'));
    expect(received).toHaveLength(1);
    expect(await look(bad)).toMatchObject({ attempt: 1, ambiguous_count: 0 });
  });
});

describe('A record that MongoDB refuses to wake', () => {
  test('holds up no other that is due', async () => {
    await refuse({
      $nor: [
        { email: 'bad@example.org', status: 'pending', unpublished: true, attempt: 0, moved: / scheduled / },
      ],
    });
    const send_at = new Date(Date.now() + 1_500).toISOString();
    const notifications = ['bad@example.org', 'good@example.org'].map((email) => ({
      ...mail,
      email,
      send_at,
    }));
    const { json } = await fleet.producer.call('POST', '/v1/notifications/batch', { notifications });
    const [bad, good] = (json as { accepted: { id: string }[] }).accepted.map(({ id }) => id);
    await untilStatus(good ?? '', 'sent');
    expect(await untilQuarantined(bad ?? '')).toMatchObject({ operation: 'sweep', status: 'scheduled' });
  });
});
