import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  API_KEY,
  startTestProducer,
  testConfig,
  type Answer,
  type TestProducer,
} from '../../support/fleet.ts';
import { createTestServers, type TestServers } from '../../support/servers.ts';

let servers: TestServers;
let producer: TestProducer;

beforeAll(async () => {
  servers = await createTestServers();
  producer = await startTestProducer(testConfig(servers));
});
afterAll(async () => {
  await producer.stop();
  await servers.drop();
});

const inApp = { user_id: 'u1', type: 'in_app', message: 'Hello' };
const mail = { user_id: 'u1', type: 'email', email: 'ada@example.org', subject: 'Hi', message: 'Hello' };
const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');
/** Every way in that takes JSON, with a body that it takes; the query leads through the web framework. */
const WAYS: [string, object][] = [
  ['/v1/notifications', mail],
  ['/v1/notifications?slow', mail],
  ['/v1/notifications/batch', { notifications: [mail] }],
  ['/v1/notifications/batch?slow', { notifications: [mail] }],
  ['/send-email/', { email_to: 'ada@example.org', subject: 'Hi', message: 'Hello', user_id: 'u1' }],
  ['/send-sms/', { phone: '+12025550123', message: 'Hello', user_id: 'u1' }],
  ['/update_task', { task_id: 'Hello', user_email: 'ada@example.org' }],
  ['/v1/keys', { name: 'Hello', scopes: ['send'] }],
];

async function post(
  path: string,
  body: Buffer | string,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(`${producer.address}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json', ...headers },
    body: body as unknown as BodyInit,
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    text,
    json: JSON.parse(text) as Answer['json'],
  };
}

const fieldsOf = ({ json }: Answer): string[] =>
  ((json.errors ?? []) as { field: string }[]).map(({ field }) => field);
/** What is wrong with the one item of a batch, or the fields of anything else. */
const troublesOf = (answer: Answer): string[] => {
  const [rejected] = (answer.json.rejected ?? []) as { errors: { field: string }[] }[];
  return rejected ? rejected.errors.map(({ field }) => field) : fieldsOf(answer);
};

describe.each(WAYS)('POST %s', (path, body) => {
  const text = JSON.stringify(body);
  test('refuses bytes that are not UTF-8, and names the first of them', async () => {
    const bytes = latin1(text.replace('Hello', 'Grüße'));
    const answer = await post(path, bytes);
    expect([answer.status, answer.json.code]).toEqual([400, 'malformed_json']);
    if (!path.includes('batch')) expect(answer.json.detail).toContain(`byte ${bytes.indexOf(0xfc)} (0xfc)`);
  });
  test('refuses an unpaired surrogate, by its field', async () => {
    const answer = await post(path, text.replace('Hello', '\\ud800'));
    expect(troublesOf(answer)).toHaveLength(1);
    expect(answer.json.accepted ?? []).toEqual([]);
  });
  test('refuses a field that comes twice', async () => {
    const answer = await post(path, text.replace(/"(\w+)":"Hello"/, '"$1":"Hello","$1":"Goodbye"'));
    expect(troublesOf(answer)).toHaveLength(1);
  });
  test('refuses a blank text', async () => {
    const answer = await post(path, text.replace('Hello', ' \\u200b\\u00ad\\u3164'));
    expect(troublesOf(answer)).toHaveLength(1);
  });
  test('names an unknown field', async () => {
    const answer = await post(path, text.replace(/"(\w+)":"Hello"/, '"$1":"Hello","colour":"red"'));
    expect(troublesOf(answer)).toEqual(['colour']);
  });
  test('takes the same in UTF-8', async () => {
    const { status } = await post(path, text.replace('Hello', 'Grüße 🙂'));
    expect(status).toBeLessThan(300);
  });
});

describe('data', () => {
  test.each([
    ['{"order_id":9007199254740993}', 'data.order_id'],
    ['{"huge":1e400}', 'data.huge'],
    ['{"list":[1,{"pi":3.14159265358979323846}]}', 'data.list.1.pi'],
    ['{"a":"\\udc00"}', 'data.a'],
  ])('%s is refused, and the path is named, alone and in a batch', async (data, field) => {
    const item = `{"user_id":"u1","type":"in_app","message":"x","data":${data}}`;
    const alone = await post('/v1/notifications', item);
    expect([alone.status, fieldsOf(alone)]).toEqual([400, [field]]);
    const batch = await post(
      '/v1/notifications/batch',
      `{"notifications":[${item},${JSON.stringify(inApp)}]}`,
    );
    expect(batch.json).toMatchObject({
      rejected: [{ index: 0, errors: [{ field }] }],
      accepted: [{ index: 1 }],
    });
  });
  test.each([
    '{"__proto__":{"admin":true},"a":{"__proto__":1,"b":[{"__proto__":null}]}}',
    '{"constructor":{"prototype":{"a":1}},"toString":"x","valueOf":null}',
    '{"n":[0,-1.5,9007199254740992,0.1,1e21,5e-324,9007199254740991]}',
    '{"$where":"1","a.b":2,"":3,"emoji 🙂":"\ud83d\ude42"}',
  ])('%s comes back as it was given', async (data) => {
    const { json } = await post(
      '/v1/notifications',
      `{"user_id":"u1","type":"in_app","message":"x","data":${data}}`,
    );
    const { json: record } = await producer.call('GET', `/v1/notifications/${String(json.id)}`);
    expect(JSON.stringify(record.data)).toBe(JSON.stringify(JSON.parse(data)));
  });
});

describe('what is not UTF-8 in an address or a form', () => {
  test.each(['?user_id=%FC', '?user_id=100%', '?user_id=%E2%82'])(
    'GET /v1/notifications%s is a 400',
    async (query) => {
      const answer = await producer.call('GET', `/v1/notifications${query}`);
      expect([answer.status, fieldsOf(answer)]).toEqual([400, ['user_id']]);
    },
  );
  test('a callback with it is refused', async () => {
    const answer = await post('/v1/callbacks/twilio/status?id=x', 'MessageSid=S&MessageStatus=%FC', {
      'content-type': 'application/x-www-form-urlencoded',
    });
    expect([answer.status, fieldsOf(answer)]).toEqual([400, ['MessageStatus']]);
  });
  test('another charset than UTF-8 is a 415', async () => {
    for (const path of ['/v1/notifications', '/v1/notifications/batch']) {
      const headers = { 'content-type': 'application/json; charset=iso-8859-1' };
      expect((await post(path, JSON.stringify(mail), headers)).status).toBe(415);
    }
  });
});

describe('a plus in a query that nobody has escaped', () => {
  const create = async (user_id: string): Promise<string> =>
    String((await producer.call('POST', '/v1/notifications', { ...inApp, user_id })).json.id);
  const listed = async (query: string): Promise<{ status: number; ids: unknown[] }> => {
    const { status, json } = await producer.call('GET', `/v1/notifications?${query}`);
    return { status, ids: ((json.notifications ?? []) as { id: string }[]).map(({ id }) => id) };
  };
  test.each([
    ['user_id=a+b@example.org', 'a+b@example.org'],
    ['user_id=a%2Bb@example.org', 'a+b@example.org'],
    ['user_id=a%2bb%40example.org', 'a+b@example.org'],
    ['user_id=+15005550107', '+15005550107'],
    ['user_id=John+Smith', 'John Smith'],
    ['user_id=John%20Smith', 'John Smith'],
    ['user_id=a%20b@example.org', 'a b@example.org'],
  ])('?%s finds %s', async (query, user_id) => {
    const id = await create(user_id);
    const { status, ids } = await listed(query);
    expect([status, ids.includes(id)]).toEqual([200, true]);
  });
  test('is that of a zone', async () => {
    const user_id = `zone-${Math.random()}`;
    const id = await create(user_id);
    const now = Date.now();
    const inZone = (ms: number): string => new Date(ms + 7_200_000).toISOString().replace('Z', '+02:00');
    const query = `user_id=${user_id}&from=${inZone(now - 60_000)}&to=${inZone(now + 60_000)}`;
    expect(await listed(query)).toEqual({ status: 200, ids: [id] });
    expect((await listed(`user_id=${user_id}&from=${inZone(now + 60_000)}`)).ids).toEqual([]);
  });
  test('is that of a number in the list of suppressions', async () => {
    for (const address of ['+15005550107', '%2B15005550107', 'a+b@example.org'])
      expect((await producer.call('GET', `/v1/suppressions?address=${address}`)).status).toBe(200);
  });
});

describe('identifiers that an address cannot hold', () => {
  test.each(['.', '..', ' ', '\u200b'])('the user_id %j is refused', async (user_id) => {
    for (const [path, body] of [
      ['/v1/notifications', { ...inApp, user_id }],
      ['/send-sms/', { phone: '+12025550123', message: 'Hi', user_id }],
    ] as const)
      expect(fieldsOf(await post(path, JSON.stringify(body)))).toEqual(['user_id']);
  });
  test.each([
    'a/b?c#d',
    '%2F',
    '%00',
    '%2e%2e',
    '...',
    'notifications',
    'a\\b',
    ' a ',
    ';',
    '+',
    '&=',
    'Zoë 🙂',
    '__proto__',
  ])('the user_id %j leads to an address that is there', async (user_id) => {
    const created = await post('/v1/notifications', JSON.stringify({ ...inApp, user_id }));
    expect(created.status).toBe(202);
    const { status, json } = await producer.call(
      'GET',
      `/v1/users/${encodeURIComponent(user_id)}/notifications`,
    );
    expect([status, json.notifications]).toMatchObject([200, [{ id: created.json.id, user_id }]]);
  });
});

describe('a call that takes no body, or need not have one', () => {
  test.each([
    ['POST', '/v1/notifications/none/retry'],
    ['POST', '/v1/notifications/none/cancel'],
    ['POST', '/v1/users/u1/notifications/none/read'],
    ['POST', '/v1/users/u1/notifications/read_all'],
    ['POST', '/v1/users/u1/token'],
    ['DELETE', '/v1/users/nobody-there'],
  ])('%s %s names a field that it does not know', async (method, path) => {
    const answer = await producer.call(method, path, { reason: 'because' });
    expect([answer.status, fieldsOf(answer)]).toEqual([400, ['reason']]);
  });
});

describe('limits', () => {
  test.each([
    [
      '/v1/notifications',
      { ...inApp, message: 'x'.repeat(1_100_000) },
      413,
      'body',
      /has 1\d{6} bytes; the most is 1048576/,
    ],
    ['/v1/notifications', { ...inApp, message: 'x'.repeat(100_001) }, 400, 'message', /100000 .*has 100001/],
    ['/v1/notifications', { ...mail, subject: 'x'.repeat(999) }, 400, 'subject', /998 .*has 999/],
    ['/v1/notifications', { ...mail, data: { a: 'x'.repeat(70_000) } }, 400, 'data', /65536 .*has 70008/],
    [
      '/v1/notifications',
      { ...mail, attachments: [{ filename: 'a', content_type: 'a/b', content: 'A'.repeat(1_000_004) }] },
      400,
      'attachments',
      /750000 bytes .*have 750003/,
    ],
    [
      '/v1/notifications/batch',
      { notifications: Array.from({ length: 1_001 }, () => 0) },
      400,
      'notifications',
      /1000 .*has 1001/,
    ],
    [
      '/v1/notifications/batch',
      { notifications: [inApp], more: 'x'.repeat(11_000_000) },
      413,
      'body',
      /has 11\d{6} bytes; the most is 10485760/,
    ],
    ['/v1/notifications', { ...inApp, data: Array.from({ length: 50_000 }, () => 0) }, 400, 'data', /50000/],
  ])(
    '%s: the error names the field, the value and the limit (%#)',
    async (path, body, status, field, words) => {
      const answer = await post(path, JSON.stringify(body));
      const [error] = answer.json.errors as { field: string; message: string }[];
      expect([answer.status, error?.field]).toEqual([status, field]);
      expect(error?.message).toMatch(words);
    },
  );
  test('an item of a batch that is too large rejects itself only', async () => {
    const large = { ...inApp, html: 'x'.repeat(1_100_000) };
    const { json } = await post('/v1/notifications/batch', JSON.stringify({ notifications: [large, inApp] }));
    expect(json).toMatchObject({
      rejected: [
        {
          index: 0,
          errors: [{ field: 'body', message: expect.stringMatching(/has 1\d{6} bytes.*1048576/) as unknown }],
        },
      ],
      accepted: [{ index: 1 }],
    });
  });
});
