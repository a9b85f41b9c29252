import { callApi } from '../support/fleet.ts';
import { until } from '../support/until.ts';

const mail = { user_id: 'u1', type: 'email', subject: 'Hi', message: 'Hello' };
const inApp = { user_id: 'ada', type: 'in_app', message: 'Hello' };

/** One for each fate of a notification, so that there is something behind every operation from the first call on. */
const FATES: readonly { body: object; becomes: string }[] = [
  { body: { ...mail, email: 'a@example.org' }, becomes: 'sent' },
  { body: { ...mail, email: 'bounce@example.org' }, becomes: 'failed_permanently' },
  { body: { ...mail, email: 'drop@example.org', on_ambiguous: 'hold' }, becomes: 'outcome_unknown' },
  { body: { ...mail, email: 'a@example.org', send_at: '2099-01-01T00:00:00Z' }, becomes: 'scheduled' },
  { body: inApp, becomes: 'sent' },
  { body: { ...mail, type: 'sms', phone: '+15005550002', email: undefined }, becomes: 'failed_permanently' },
];
/** Of each fate: what one call ends, the next one still finds. */
const COPIES = 10;

/** Hands notifications over and waits until each has met its fate. @throws when one does not. */
export async function layGround(address: string): Promise<void> {
  const wanted = Array.from({ length: COPIES }, () => FATES).flat();
  await Promise.all(
    wanted.map(async ({ body, becomes }) => {
      const { json } = await callApi(address, 'POST', '/v1/notifications', body);
      const look = () => callApi(address, 'GET', `/v1/notifications/${String(json.id)}`);
      await until(async () => (await look()).json.status === becomes, 30_000);
    }),
  );
}
