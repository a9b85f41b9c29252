import { request } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  Controls,
  Presences,
  notificationsOf,
  openStore,
  type Notifications,
  type Store,
} from '../../../shared/store/index.ts';
import { startTestProducer, testConfig, type TestProducer } from '../../support/fleet.ts';
import { aRecord } from '../../support/records.ts';
import { until } from '../../support/until.ts';
import { createTestServers, type TestServers } from '../../support/servers.ts';
import { Visitor, signedIn } from '../../support/visitor.ts';

let servers: TestServers;
let producer: TestProducer;
let store: Store;
let notifications: Notifications;
let person: Visitor;
const form = {
  user_id: 'u1',
  type: 'email',
  email: 'a@example.org',
  message: 'Hello\r\nthere',
  lane: 'bulk',
  phone: '',
};

beforeAll(async () => {
  servers = await createTestServers();
  producer = await startTestProducer(testConfig(servers));
  store = openStore(servers.mongoUri, 'test');
  person = new Visitor(producer.address, await signedIn(servers.mongoUri));
  notifications = notificationsOf(store.db);
});
afterAll(async () => {
  await producer.stop();
  await store.stop();
  await servers.drop();
});

const submit = (fields: Record<string, string>, headers: Record<string, string> = {}) =>
  person.submit('/send-notification', fields, headers);
const page = (path: string) => person.open(path);

/** fetch() does not let one say the Host. */
function getAs(host: string): Promise<number | undefined> {
  const { port } = new URL(producer.address);
  return new Promise((resolve) => {
    request({ port, host: '127.0.0.1', path: '/sign-in', headers: { host } }, (response) => {
      response.resume();
      resolve(response.statusCode);
    }).end();
  });
}

describe('the form', () => {
  test('makes a notification and leads to its page; a double click makes no second one', async () => {
    const fields = { ...form, idempotency_key: 'form-1' };
    const [first, second] = [await submit(fields), await submit(fields)];
    expect([first.status, second.status]).toEqual([303, 303]);
    expect(first.headers.get('location')).toBe(second.headers.get('location'));
    const records = await notifications.find({ caller: 'web:operator', idempotency_key: 'form-1' }).toArray();
    expect(records).toHaveLength(1);
    expect(records[0]).toMatchObject({ message: 'Hello\nthere', lane: 'bulk', type: 'email' });
  });
  test('with troubles comes back with 422, the words beside the fields, and what was typed', async () => {
    const { status, text } = await submit({ ...form, email: 'nobody', user_id: '', subject: 'Kept <b>' });
    expect(status).toBe(422);
    expect(text).toContain('<title>Error: ');
    expect(text).toMatch(/id="email-error">must be an e-mail address/);
    expect(text).toMatch(/id="user_id-error">is required/);
    expect(text).toContain('value="Kept &lt;b&gt;"');
  });
  test('from another site is refused, and nothing is stored', async () => {
    const before = await notifications.countDocuments();
    expect((await submit(form, { origin: 'https://evil.example' })).status).toBe(403);
    expect(await notifications.countDocuments()).toBe(before);
  });
});

test('a page asked for by another name is refused (DNS rebinding)', async () => {
  const { port } = new URL(producer.address);
  expect(await getAs('evil.example')).toBe(403);
  expect(await getAs(`localhost:${port}`)).toBe(200);
});

test('a page that is not there says so as a page, and to a program as a problem', async () => {
  const page = await person.open('/notifications/nobody');
  expect([page.status, page.headers.get('content-type')]).toEqual([404, 'text/html; charset=utf-8']);
  expect(page.text).toContain('There is no such notification');
  const nowhere = await person.open('/nowhere');
  expect(nowhere.status).toBe(404);
  expect(nowhere.text).toContain('<a href="/notifications"');
  const problem = await producer.call('GET', '/nowhere', undefined, { accept: 'application/json' });
  expect([problem.status, problem.json.code]).toEqual([404, 'not_found']);
});

test('what people wrote is shown as text, never as markup, wherever it is shown', async () => {
  const hostile = `"><img src=x onerror=alert(1)><script>alert(1)</script>\u202e${'é🚀'.repeat(5_000)}`;
  const error = { code: hostile.slice(0, 90), reason: hostile, provider: hostile.slice(0, 90) };
  const entry = { at: new Date(), status: 'failed_permanently' as const, actor: hostile, reason: hostile };
  const record = aRecord({
    status: 'failed_permanently',
    user_id: hostile.slice(0, 200),
    subject: hostile,
    message: hostile,
    html: hostile,
    email: hostile,
    data: { [hostile]: hostile },
    provider: hostile,
    provider_message_id: hostile,
    error,
    timeline: [entry],
  });
  await notifications.insertOne(record);
  const controls = new Controls(store.db);
  await controls.set({
    _id: 'provider:<script>alert(1)</script>',
    by: hostile,
    reason: hostile,
    since: new Date(),
  });
  await new Presences(store.db).beat({
    ...{
      _id: 'x',
      service: 'email',
      host: hostile,
      pid: 1,
      started_at: new Date(),
      status: 'degraded',
      troubles: [hostile],
    },
  });
  const query = new URLSearchParams({ user_id: hostile.slice(0, 200), error: hostile.slice(0, 90) });
  for (const path of [
    `/notifications/${record._id}`,
    `/notifications/${record._id}/state`,
    `/notifications/${record._id}/retry`,
    `/notifications/${record._id}/cancel`,
    `/notifications?${query.toString()}`,
    '/dead-letters',
    '/suppressions',
    '/dead-letters/redrive?all=yes',
    `/dead-letters?${new URLSearchParams({ code: hostile.slice(0, 90) }).toString()}`,
    `/notifications?${new URLSearchParams({ id: hostile.slice(0, 90) }).toString()}`,
    '/notifications?status=failed_permanently',
    '/controls',
    `/sign-in?${new URLSearchParams({ next: `/${hostile.slice(0, 90)}` }).toString()}`,
    `/stats?${new URLSearchParams({ range: hostile.slice(0, 90) }).toString()}`,
    '/',
  ]) {
    const { status, text } = await page(path);
    expect([path, status < 500]).toEqual([path, true]);
    expect(text).not.toContain('<img src=x');
    expect(text).not.toContain('<script>alert');
  }
  await controls.clear('provider:<script>alert(1)</script>');
  for (const [path, fields] of [
    ['/sign-in', { name: hostile, password: hostile, next: hostile }],
    ['/send-notification', { type: 'sms', user_id: hostile, message: hostile, send_at: hostile }],
    ['/send-notification/preview', { type: 'sms', phone: hostile, message: hostile }],
    ['/controls/channel%3Aemail', { reason: '', minutes: hostile }],
  ] as const) {
    const { status, text } = await person.submit(path, fields);
    expect([path, status < 500]).toEqual([path, true]);
    expect(text).not.toContain('<img src=x');
    expect(text).not.toContain('<script>alert');
  }
});

test('the question before suppressions are removed says what the filter means, in words', async () => {
  const body = { channel: 'email', address: 'gone@example.org', reason: 'asked by phone' };
  await producer.call('POST', '/v1/suppressions', body);
  const { text } = await page('/suppressions/remove?channel=email&to=2099-01-02T03:04');
  expect(text).toContain('Remove 1 suppression?');
  expect(text).toMatch(/<dt>Channel<\/dt><dd><bdi>E-mail<\/bdi>/);
  expect(text).toMatch(/<dt>Suppressed before<\/dt><dd><time datetime="2099-01-02T03:04:00Z"/);
});

test('the HTML of a mail is shown with a policy that lets nothing of it run or call home', async () => {
  const record = aRecord({ html: '<b>Hi</b><script>alert(1)</script>' });
  await notifications.insertOne(record);
  const { text, headers } = await page(`/notifications/${record._id}/html`);
  expect(text).toContain('<b>Hi</b>');
  expect(headers.get('content-security-policy')).toBe(
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox; frame-ancestors 'self'",
  );
});

describe('the list', () => {
  const titles = (text: string) =>
    [...text.matchAll(/<a href="\/notifications\/[^"]+">(?:<bdi>)?([^<]*)</g)].map(([, title]) => title);

  test('is filtered by state, channel, person, time and the words of the error, and pages by address', async () => {
    const user_id = 'u-filter';
    const error = { code: '550', reason: '5.1.1 No such (mailbox)', provider: 'smtp' };
    const dead = aRecord({ user_id, type: 'email', status: 'failed_permanently', subject: 'dead', error });
    const waiting = Array.from({ length: 60 }, (_, index) =>
      aRecord({ user_id, type: 'sms', status: 'scheduled', subject: `text ${index}` }),
    );
    await notifications.insertMany([dead, ...waiting]);
    const found = async (query: string) =>
      titles((await page(`/notifications?user_id=${user_id}${query}`)).text);
    expect(await found('&status=failed_permanently')).toEqual(['dead']);
    expect(await found('&type=email')).toEqual(['dead']);
    expect(await found('&error=no+such+(mail')).toEqual(['dead']);
    expect(await found('&error=550')).toEqual(['dead']);
    expect(await found('&error=.*')).toEqual([]);
    expect(await found('&to=2020-01-01T00:00')).toEqual([]);
    expect(await found('&from=2020-01-01T00:00&type=email')).toEqual(['dead']);
    const first = await page(`/notifications?user_id=${user_id}&type=sms`);
    expect(titles(first.text)).toHaveLength(50);
    const older = /rel="next" href="([^"]+)"/.exec(first.text)?.[1]?.replaceAll('&amp;', '&') ?? '';
    expect(older).toContain('type=sms');
    expect(titles((await page(older)).text)).toEqual(
      waiting
        .slice(0, 10)
        .reverse()
        .map(({ subject }) => subject),
    );
  });
  test('leads from an id to its notification, and says so when there is none', async () => {
    const record = aRecord();
    await notifications.insertOne(record);
    const there = await page(`/notifications?id=${record._id}`);
    expect([there.status, there.headers.get('location')]).toEqual([303, `/notifications/${record._id}`]);
    const nowhere = await page('/notifications?id=nobody');
    expect(nowhere.status).toBe(422);
    expect(nowhere.text).toContain('is of no notification');
  });
  test('says what is wrong with a filter, and keeps it', async () => {
    const { status, text } = await page('/notifications?from=yesterday&user_id=u-kept');
    expect(status).toBe(422);
    expect(text).toMatch(/<title>Error: /);
    expect(text).toMatch(/href="#from">Accepted from must be/);
    expect(text).toContain('value="u-kept"');
  });
  test('says what to do next where there is nothing', async () => {
    expect((await page('/notifications?user_id=u-nobody')).text).toContain('Clear the filter');
  });
});

describe('the dead letters', () => {
  const deadMail = (more: Parameters<typeof aRecord>[0] = {}) =>
    aRecord({
      type: 'email',
      status: 'failed_permanently',
      error: { code: '550', reason: 'no such mailbox', provider: 'smtp' },
      ...more,
    });
  const submitTo = (path: string, fields: Record<string, string>) => person.submit(path, fields);
  /** The hidden and given fields of the form on a page. */
  const fieldsOf = (text: string) =>
    Object.fromEntries(
      [...text.matchAll(/<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"/g)].map(([, name, value]) => [
        name ?? '',
        (value ?? '').replaceAll('&#34;', '"'),
      ]),
    );
  beforeEach(async () => {
    await notifications.deleteMany({});
  });

  test('are told by their causes, the most frequent first', async () => {
    const sms = { code: '21211', reason: 'not a number', provider: 'twilio' };
    await notifications.insertMany([
      deadMail(),
      aRecord({ type: 'sms', status: 'failed_permanently', error: sms }),
      deadMail(),
    ]);
    const { text } = await page('/dead-letters');
    expect(text.indexOf('E-mail, 550 (smtp)')).toBeGreaterThan(0);
    expect(text.indexOf('SMS, 21211 (twilio)')).toBeGreaterThan(text.indexOf('E-mail, 550 (smtp)'));
    expect(text).toContain('/dead-letters/redrive?type=sms&amp;code=21211&amp;provider=twilio');
  });
  test('are redriven by a plan: a number, a reason, a cut-off; twice is once; what dies later is not meant', async () => {
    const meant = Array.from({ length: 150 }, () => deadMail({ updated_at: new Date(Date.now() - 1_000) }));
    await notifications.insertMany([...meant, aRecord({ type: 'sms', status: 'failed_permanently' })]);
    const plan = await page('/dead-letters/redrive?type=email');
    expect(plan.text).toContain('Redrive 150 dead letters?');
    const fields = fieldsOf(plan.text);
    await notifications.insertOne(deadMail({ updated_at: new Date(Date.now() + 1_000) }));
    const unsure = await submitTo('/dead-letters/redrive', {
      ...fields,
      reason: 'mailbox is back',
      typed: '15',
    });
    expect([unsure.status, unsure.text.includes('must be 150')]).toEqual([422, true]);
    const noReason = await submitTo('/dead-letters/redrive', { ...fields, reason: '', typed: '150' });
    expect(noReason.status).toBe(422);
    const order = { ...fields, reason: 'mailbox is back', typed: '150' };
    const [first, second] = [
      await submitTo('/dead-letters/redrive', order),
      await submitTo('/dead-letters/redrive', order),
    ];
    expect([first.status, second.headers.get('location')]).toEqual([303, first.headers.get('location')]);
    const progress = await until(async () => {
      const { text } = await page(first.headers.get('location') ?? '');
      // The last one is taken up a moment before the redrive knows that there are no more. Nobody sends them here.
      return text.includes('All taken up, 150 on their way') && text;
    });
    expect(progress).toContain('150 of 150');
    expect(progress).not.toContain('data-final');
    expect(await notifications.countDocuments({ status: 'pending', type: 'email' })).toBe(150);
    expect(await notifications.countDocuments({ status: 'failed_permanently', type: 'email' })).toBe(1);
    const redriven = await notifications.findOne({ status: 'pending' });
    expect(redriven?.timeline.at(-1)).toMatchObject({ actor: 'web:operator', reason: 'mailbox is back' });
    expect((await page('/dead-letters')).text).toContain('mailbox is back');
  });
  test('that were chosen one by one are discarded, and no others', async () => {
    const [one, two, three] = [deadMail(), deadMail(), deadMail()];
    await notifications.insertMany([one, two, three]);
    const plan = await page(`/dead-letters/discard?ids=${one._id}&ids=${two._id}`);
    expect(plan.text).toContain('Discard 2 dead letters?');
    const form = new URLSearchParams({ ...fieldsOf(plan.text), reason: 'wrong addresses' });
    form.delete('ids');
    form.append('ids', one._id);
    form.append('ids', two._id);
    const answer = await person.submit('/dead-letters/discard', form);
    expect(answer.status).toBe(303);
    await until(async () => (await notifications.countDocuments({ status: 'discarded' })) === 2);
    expect((await notifications.findOne({ _id: three._id }))?.status).toBe('failed_permanently');
  });
  test('nothing chosen, or a filter that cannot be read, means nobody, never all of them', async () => {
    await notifications.insertOne(deadMail());
    for (const query of ['chosen=yes', '', 'codes=550', 'code=550&code=551', 'type=fax']) {
      const { status, text } = await page(`/dead-letters/discard?${query}`);
      expect([query, status]).toEqual([query, 400]);
      expect(text).not.toContain('Discard 1');
    }
    expect((await page('/dead-letters/discard?all=yes')).text).toContain('Discard 1 dead letter?');
    const withoutCutOff = await submitTo('/dead-letters/discard', { reason: 'x', expected: '1' });
    expect(withoutCutOff.status).toBe(400);
  });
  test('an act of the API is on the list too', async () => {
    await notifications.insertOne(deadMail());
    await producer.call('POST', '/v1/dead-letters/discard', { filter: {}, reason: 'by a script' });
    expect((await page('/dead-letters')).text).toContain('by a script');
  });
});

describe('a confirmation', () => {
  const act = (path: string, fields: Record<string, string> = {}) => person.submit(path, fields);
  test('asks first; looking changes nothing', async () => {
    const record = aRecord({ status: 'scheduled', next_retry_time: new Date(Date.now() + 60_000) });
    await notifications.insertOne(record);
    expect((await page(`/notifications/${record._id}/cancel`)).text).toContain('Cancel this notification');
    expect((await notifications.findOne({ _id: record._id }))?.status).toBe('scheduled');
    expect((await act(`/notifications/${record._id}/cancel`)).status).toBe(303);
    expect((await notifications.findOne({ _id: record._id }))?.status).toBe('canceled');
  });
  test.each([
    ['retry', 'failed permanently, outcome unknown or suppressed can be retried'],
    ['cancel', 'scheduled, pending, held or waiting to retry can be canceled'],
    ['mark-sent', 'outcome unknown can be resolved'],
    ['mark-failed', 'outcome unknown can be resolved'],
  ])('of what cannot be done any more says so, and does nothing: %s', async (name, only) => {
    const record = aRecord({ status: 'sent' });
    await notifications.insertOne(record);
    const refusal = [409, expect.stringContaining(`It is sent; only what is ${only}.`)];
    const asked = await page(`/notifications/${record._id}/${name}`);
    const done = await act(`/notifications/${record._id}/${name}`);
    expect([asked.status, asked.text]).toEqual(refusal);
    expect([done.status, done.text]).toEqual(refusal);
  });
  test('answered twice at once is done once, and both lead back', async () => {
    const record = aRecord({ status: 'failed_permanently' });
    await notifications.insertOne(record);
    const seen = { seen: record.updated_at.toISOString() };
    const answers = await Promise.all([
      act(`/notifications/${record._id}/retry`, seen),
      act(`/notifications/${record._id}/retry`, seen),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([303, 303]);
    const retries = (await notifications.findOne({ _id: record._id }))?.timeline.filter(
      ({ reason }) => reason === 'manual retry',
    );
    expect(retries).toHaveLength(1);
  });
  test('of what has changed since it was asked about is not carried out', async () => {
    const record = aRecord({ status: 'failed_permanently' });
    await notifications.insertOne(record);
    const seen = { seen: '2020-01-01T00:00:00.000Z' };
    expect((await act(`/notifications/${record._id}/retry`, seen)).status).toBe(409);
    expect((await notifications.findOne({ _id: record._id }))?.status).toBe('failed_permanently');
  });
  test('lets a person say what became of an unknown outcome', async () => {
    const [sent, lost] = [aRecord({ status: 'outcome_unknown' }), aRecord({ status: 'outcome_unknown' })];
    await notifications.insertMany([sent, lost]);
    await act(`/notifications/${sent._id}/mark-sent`);
    await act(`/notifications/${lost._id}/mark-failed`);
    expect((await notifications.findOne({ _id: sent._id }))?.status).toBe('sent');
    expect((await notifications.findOne({ _id: lost._id }))?.status).toBe('failed_permanently');
  });
});

test('the stats are a page for a browser, JSON for whoever has the key, and both count the same', async () => {
  const page = await person.open('/stats');
  expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
  const { json } = await producer.call('GET', '/stats');
  expect(json.total).toBe(await notifications.countDocuments());
  expect((json.queues as { ready: number }[]).every(({ ready }) => Number.isInteger(ready))).toBe(true);
});

test('the balance says each state by its own name, and leaves out what there is none of', async () => {
  const statuses = ['sent', 'delivered', 'delivered', 'bounced', 'failed_permanently'] as const;
  await notifications.insertMany(statuses.map((status) => aRecord({ status })));
  await until(async () => {
    const { by_status: counts, total } = (await producer.call('GET', '/stats')).json as {
      by_status: Record<string, number>;
      total: number;
    };
    const line = /<p class="balance.*?<\/p>/s.exec((await person.open('/stats/state')).text)?.[0] ?? '';
    const has = (words: string, status: string): boolean => line.includes(` ${counts[status]} ${words}`);
    return (
      total === (await notifications.countDocuments()) &&
      has('sent', 'sent') &&
      has('delivered', 'delivered') &&
      has('bounced', 'bounced') &&
      has('dead letters', 'failed_permanently') &&
      !line.includes(' 0 ')
    );
  });
});

test('pages allow no foreign script, style or frame', async () => {
  const { headers } = await page('/');
  expect(headers.get('content-security-policy')).toMatch(
    /default-src 'none'.*script-src 'self'.*frame-ancestors 'none'/,
  );
});
