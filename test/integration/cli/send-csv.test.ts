import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ACCEPTING } from '../../../shared/contracts/index.ts';
import { Controls, notificationsOf, openStore, type Store } from '../../../shared/store/index.ts';
import { aKey } from '../../support/api-client.ts';
import { Cli, jsonLines } from '../../support/cli.ts';
import { startTestProducer, testConfig, type TestProducer } from '../../support/fleet.ts';
import { createTestServers, type TestServers } from '../../support/servers.ts';
import { until } from '../../support/until.ts';

/**
 * `tidings send --csv`, against a producer with somebody between them who knows when a batch is stored, and the program has not heard of it: the
 * moment that matters.
 */
let servers: TestServers;
let producer: TestProducer;
let between: Server;
/** What is done at that moment; `nth` counts the batches since it was set, from 1. Whether the answer goes on. */
let whenStored: ((nth: number) => boolean) | undefined;
let batches = 0;
/** Answers that have gone on, whole. */
let answered = 0;
let store: Store;
let cli: Cli;
const folder = mkdtempSync(join(tmpdir(), 'tidings-csv-'));

beforeAll(async () => {
  servers = await createTestServers();
  producer = await startTestProducer(testConfig(servers));
  between = createServer((request, response) => {
    void (async () => {
      const { method = 'GET', url = '', headers } = request;
      const { authorization = '', 'content-type': type = '' } = headers;
      const body = new Uint8Array(await buffer(request));
      const answer = await fetch(`${producer.address}${url}`, {
        method,
        headers: { authorization, 'content-type': type },
        body,
      });
      batches += 1;
      if (whenStored?.(batches) === false) return;
      const retryAfter = answer.headers.get('retry-after');
      response.writeHead(answer.status, retryAfter === null ? {} : { 'retry-after': retryAfter });
      response.end(await answer.text(), () => {
        answered += 1;
      });
    })();
  });
  await new Promise<void>((resolve) => between.listen(0, '127.0.0.1', resolve));
  store = openStore(servers.mongoUri, 'test');
  cli = new Cli(`http://127.0.0.1:${(between.address() as AddressInfo).port}`);
});
afterAll(async () => {
  between.closeAllConnections();
  between.close();
  await producer.stop();
  await store.stop();
  await servers.drop();
  rmSync(folder, { recursive: true, force: true });
});

const notifications = () => notificationsOf(store.db);
const stored = (user: string) => notifications().countDocuments({ user_id: user });
const messagesOf = async (user: string) =>
  (await notifications().find({ user_id: user }).toArray()).map(({ message }) => message).sort();

/** Writes a file; answers its path. */
function csv(name: string, ...lines: string[]): string {
  const file = join(folder, `${name}.csv`);
  writeFileSync(file, `${lines.join('\n')}\n`);
  return file;
}

/** A file of in-app notifications for one person, each with a text of its own. */
function numbered(user: string, count: number): string {
  const rows = Array.from({ length: count }, (_, index) => `${user},in_app,Number ${index}`);
  return csv(user, 'user_id,type,message', ...rows);
}
const send = (file: string, ...args: string[]) => cli.run(['send', '--csv', file, ...args]);
/** Does something when the nth batch from now on is stored; where that answers false, its answer goes no further. */
function at(nth: number, act: () => boolean): void {
  batches = 0;
  answered = 0;
  whenStored = (batch) => {
    if (batch !== nth) return true;
    whenStored = undefined;
    return act();
  };
}
/** How many rows its journal has. */
const noted = (file: string) =>
  existsSync(`${file}.tidings-journal`)
    ? jsonLines(readFileSync(`${file}.tidings-journal`, 'utf8')).length - 1
    : 0;

test(
  'each row is accepted once, though it is killed with an answer on its way',
  { timeout: 60_000 },
  async () => {
    const file = numbered('killed', 2_500);
    const { child, ended } = cli.start(['send', '--csv', file]);
    at(2, () => !child.kill('SIGKILL'));
    expect((await ended).code).toBe(null);
    expect(await stored('killed')).toBe(2_000);
    expect(noted(file)).toBe(1_000);
    // The way a kill in the middle of a write would leave it.
    writeFileSync(`${file}.tidings-journal`, '{"row":"cut', { flag: 'a' });

    const again = await send(file, '--json');
    expect(again).toMatchObject({
      code: 0,
      stderr: expect.stringContaining(
        '2500 of 2500 rows handed over, 1000 of them by an earlier run',
      ) as string,
    });
    expect(await stored('killed')).toBe(2_500);
    expect(new Set(await messagesOf('killed')).size).toBe(2_500);
    const rows = jsonLines(again.stdout);
    expect(new Set(rows.map(({ line }) => line)).size).toBe(2_500);
    const [row] = rows;
    const record = await notifications().findOne({ _id: String(row?.id) });
    expect(record).toMatchObject({
      message: `Number ${Number(row?.line) - 2}`,
      lane: 'bulk',
      idempotency_key: row?.idempotency_key,
    });

    // Done; also without the journal nothing comes twice.
    expect(await send(file)).toMatchObject({
      code: 0,
      stdout: '2500 of 2500 rows handed over, 2500 of them by an earlier run\n',
    });
    rmSync(`${file}.tidings-journal`);
    expect(await send(file)).toMatchObject({ code: 0, stdout: '2500 of 2500 rows handed over\n' });
    expect(await stored('killed')).toBe(2_500);
  },
);

test('Ctrl-C lets the batch under way end, and the same command goes on', async () => {
  const file = numbered('stopped', 2_200);
  const { child, ended } = cli.start(['send', '--csv', file]);
  // It stands still while both come, so that it finds the signal beside the answer: no next batch may come of that.
  at(1, () => child.kill('SIGSTOP') && child.kill('SIGINT'));
  await until(() => answered === 1);
  child.kill('SIGCONT');
  const stopped = await ended;
  expect(stopped).toMatchObject({
    code: 130,
    stderr: expect.stringContaining('The same command goes on') as string,
  });
  expect(await stored('stopped')).toBe(1_000);
  expect(noted(file)).toBe(1_000);
  expect(await send(file)).toMatchObject({ code: 0 });
  expect(await stored('stopped')).toBe(2_200);
});

test('a file that changes while it is read is not taken for done, and the same command sends what is new', async () => {
  const words = 'x'.repeat(400);
  const rows = Array.from({ length: 1_500 }, (_, index) => `growing,in_app,${index} ${words}`);
  const file = csv('growing', 'user_id,type,message', ...rows);
  at(1, () => {
    appendFileSync(file, 'growing,in_app,Late\n');
    return true;
  });
  expect(await send(file)).toMatchObject({
    code: 4,
    stderr: expect.stringContaining('has changed while it was read') as string,
  });
  appendFileSync(file, 'growing,in_app,Later\n');
  expect(await send(file)).toMatchObject({
    code: 0,
    stdout: '1502 of 1502 rows handed over, 1501 of them by an earlier run\n',
  });
  expect(await stored('growing')).toBe(1_502);
});

test('while the fleet takes nothing it ends with 3, and goes on later', async () => {
  const file = numbered('drained', 3);
  const controls = new Controls(store.db);
  const probe = async () =>
    (await producer.call('POST', '/v1/notifications', { user_id: 'probe', type: 'in_app', message: 'Hello' }))
      .status;
  await controls.set({ _id: ACCEPTING, by: 'test', reason: 'we move', since: new Date() });
  await until(async () => (await probe()) === 503);
  const refused = await send(file, '--patience', '2');
  expect(refused).toMatchObject({
    code: 3,
    stdout: '0 of 3 rows handed over\n',
    stderr: expect.stringContaining('drains') as string,
  });
  await controls.clear(ACCEPTING);
  await until(async () => (await probe()) === 202);
  expect(await send(file)).toMatchObject({ code: 0 });
  expect(await stored('drained')).toBe(3);
});

test('with a bad row nothing is sent, and each is named by its line; --skip-invalid sends the others', async () => {
  const file = csv(
    'bad',
    'user_id,type,message,email,idempotency_key',
    'bad,email,"two',
    'lines",a@example.org,',
    'bad,email,Hello,nobody,',
    'bad,fax,Hello,,',
    'bad,in_app,Hello',
    'bad,in_app,One,,k1',
    'bad,in_app,Two,,k1',
  );
  const refused = await send(file);
  expect(refused).toMatchObject({ code: 2, stdout: '' });
  expect(refused.stderr).toContain('line 4: email must be an e-mail address');
  expect(refused.stderr).toContain('line 5: type must be one of email, sms, in_app');
  expect(refused.stderr).toContain('line 6: row has 3 cells, and the first line 5');
  expect(refused.stderr).toContain('line 8: idempotency_key is the same as in line 7');
  expect(refused.stderr).toContain('4 of 6 rows cannot be sent, so nothing was');
  expect(await stored('bad')).toBe(0);
  expect(await send(file, '--dry-run', '--skip-invalid')).toMatchObject({
    code: 4,
    stdout: '2 of 6 rows can be sent; nothing was\n1 e-mail has no subject\n',
  });

  const sent = await send(file, '--skip-invalid');
  expect(sent).toMatchObject({ code: 4, stdout: '2 of 6 rows handed over, 4 invalid\n' });
  expect(await messagesOf('bad')).toEqual(['One', 'two\nlines']);
  const rejects = readFileSync(`${file}.rejects.csv`, 'utf8');
  expect(rejects).toContain('user_id,type,message,email,idempotency_key,tidings_error\n');
  expect(rejects).toContain(
    'bad,email,Hello,nobody,,"email must be an e-mail address such as ada@example.org: it has no @ (""nobody"")"',
  );

  // Mended in place: only what was not sent goes.
  writeFileSync(
    file,
    readFileSync(file, 'utf8')
      .replace('nobody', 'b@example.org')
      .replace('fax', 'in_app')
      .replace('Two,,k1', 'Two,,k2'),
  );
  expect(await send(file, '--skip-invalid')).toMatchObject({
    code: 4,
    stdout: '5 of 6 rows handed over, 2 of them by an earlier run, 1 invalid\n',
  });
  expect(await stored('bad')).toBe(5);
});

test('what the API refuses is said by its line, kept aside, and tried again next time', async () => {
  const file = csv(
    'abroad',
    'user_id,type,phone,message',
    'abroad,in_app,,Hello',
    'abroad,sms,+4915123456789,Hello',
  );
  const { key } = await aKey(producer, ['send:in_app']);
  const narrow = new Cli(producer.address, key);
  const sent = await narrow.run(['send', '--csv', file, '--json']);
  expect(sent).toMatchObject({ code: 4, stderr: expect.stringContaining('line 3: type') as string });
  expect(jsonLines(sent.stdout)).toMatchObject([
    { line: 2, status: 'pending' },
    { line: 3, errors: [{ field: 'type' }] },
  ]);
  expect(readFileSync(`${file}.rejects.csv`, 'utf8').split('\n')).toHaveLength(3);
  // Another key has other idempotency keys: it would send all of it once more.
  expect(await send(file)).toMatchObject({ code: 2, stderr: expect.stringContaining('--journal') as string });
  expect(await stored('abroad')).toBe(1);
});

test('a file that was done and has changed is asked about: --resume sends other rows only, --again all', async () => {
  const file = csv('changed', 'user_id,message', 'changed,One', 'changed,Same', 'changed,Same');
  expect(await send(file)).toMatchObject({ code: 0 });
  csv(
    'changed',
    'message,user_id',
    'New,changed',
    'One,changed',
    'Same,changed',
    'Same,changed',
    'Same,changed',
  );
  expect(await send(file)).toMatchObject({ code: 2, stderr: expect.stringContaining('--resume') as string });
  const resumed = await send(file, '--resume');
  expect(resumed).toMatchObject({
    code: 0,
    stdout: '5 of 5 rows handed over, 3 of them by an earlier run\n',
  });
  expect(await messagesOf('changed')).toEqual(['New', 'One', 'Same', 'Same', 'Same']);
  expect(await send(file, '--again')).toMatchObject({ code: 0 });
  expect(await stored('changed')).toBe(10);
});

test('rows take what they do not say from the options; another text is another list', async () => {
  const file = csv('people', '\ufeffemail', 'a@example.org', 'b@example.org');
  const args = ['--user', 'people', '--subject', 'News', '--lane', 'transactional', '--message'];
  expect(await send(file, ...args, 'We have moved')).toMatchObject({ code: 0 });
  const records = await notifications().find({ user_id: 'people' }).sort({ email: 1 }).toArray();
  expect(records).toMatchObject([
    {
      type: 'email',
      email: 'a@example.org',
      subject: 'News',
      message: 'We have moved',
      lane: 'transactional',
    },
    { email: 'b@example.org' },
  ]);
  expect(await send(file, ...args, 'Once more')).toMatchObject({ code: 2 });
});

test('a file in another encoding is refused, and not sent with the wrong letters', async () => {
  const file = join(folder, 'latin.csv');
  writeFileSync(file, Buffer.from('user_id,message\nlatin,Hello\nlatin,Gr\u00fc\u00dfe\n', 'latin1'));
  expect(await send(file, '--skip-invalid')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('line 3, column 9: the byte 0xFC is not UTF-8') as string,
  });
  expect(await stored('latin')).toBe(0);
});

test('a row without an address is refused, and nothing is sent in-app instead', async () => {
  const file = csv(
    'missing',
    'user_id,email,message',
    'missing,a@example.org,Hello',
    'missing,,"Your code is 4711."',
  );
  expect(await send(file)).toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringContaining(
      'line 3: email is required\n1 of 2 rows cannot be sent, so nothing was',
    ) as string,
  });
  expect(await stored('missing')).toBe(0);
});

test.each([
  ['excel', Buffer.from('\ufeffsep=;\r\nUser_Id;Type;Message\r\nexcel;in_app;Grüße, Ada\r\n;;;\r\n;;\r\n')],
  [
    'unicode-text',
    Buffer.from('\ufeffuser_id\ttype\tmessage\r\nunicode-text\tin_app\tGrüße, Ada\r\n', 'utf16le'),
  ],
  ['spaces', Buffer.from('user_id, type, message\r\nspaces, in_app, "Grüße, Ada"\r\n , \u00a0, \r\n')],
])('a file as spreadsheets write it is sent: %s', async (name, bytes) => {
  const file = join(folder, `${name}.csv`);
  writeFileSync(file, bytes);
  expect(await send(file)).toMatchObject({ code: 0, stdout: '1 of 1 rows handed over\n' });
  expect(await messagesOf(name)).toEqual(['Grüße, Ada']);
});

test('rejects are written as the file is, so that a spreadsheet opens them', async () => {
  const file = join(folder, 'rejects.csv');
  writeFileSync(file, '\ufeffsep=;\r\nuser_id;type;message\r\nrejects;fax;=1;;\r\nrejects;in_app;Hello\r\n');
  expect(await send(file, '--skip-invalid')).toMatchObject({ code: 4 });
  const rejects = readFileSync(`${file}.rejects.csv`, 'utf8');
  expect(rejects).toBe(
    '\ufeffuser_id;type;message;tidings_error\nrejects;fax;=1;"type must be one of email, sms, in_app (""fax"")"\n',
  );
  writeFileSync(`${file}.rejects.csv`, rejects.replace('fax', 'in_app'));
  expect(await send(`${file}.rejects.csv`)).toMatchObject({ code: 0 });
  expect(await messagesOf('rejects')).toEqual(['=1', 'Hello']);
});

test('an address that comes twice is named with both lines, and stays one row when its capitals change', async () => {
  const file = csv('twice', 'user_id,email,message', 'twice,a@example.org,One', 'twice,A@Example.org,Two');
  expect(await send(file)).toMatchObject({
    code: 0,
    stderr: 'line 3: A@Example.org is in line 2, too as a@example.org; each row is sent\n',
  });
  csv('twice', 'user_id,email,message', 'twice,A@EXAMPLE.org,One', 'twice,b@example.org,Two');
  expect(await send(file, '--resume')).toMatchObject({
    code: 0,
    stdout: '2 of 2 rows handed over, 1 of them by an earlier run\n',
  });
  expect(await stored('twice')).toBe(3);
});
