import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { connectionOf, placeOf } from '../../../infra/cli/api/connection.ts';
import { csvLine, csvRecords } from '../../../infra/cli/csv/records.ts';
import { exitOfMany } from '../../../infra/cli/exit.ts';
import { completed } from '../../../infra/cli/request.ts';
import { oneLine, visible, visibleJson } from '../../../infra/cli/terminal/visible.ts';

const folder = mkdtempSync(join(tmpdir(), 'tidings-cli-unit-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

test('what a terminal would obey is written out; letters of every language are left alone', () => {
  expect(visible('a\u001b[2Jb\u009bc\u007fd\u202ee\u2028f\rg')).toBe(
    'a\\u001b[2Jb\\u009bc\\u007fd\\u202ee\\u2028f\\u000dg',
  );
  expect(visible('Grüße, 你好, שלום, 👩‍👩‍👧\tx\ny')).toBe('Grüße, 你好, שלום, 👩‍👩‍👧\tx\ny');
  expect(oneLine('a\tb\nc')).toBe('a\\tb\\nc');
  const value = { text: 'a\u001b\u009b\u007f\u202e\n' };
  expect(JSON.parse(visibleJson(value))).toEqual(value);
});

describe('a CSV file', () => {
  async function linesOf(text: string): Promise<[number, ...string[]][]> {
    const file = join(folder, 'file.csv');
    writeFileSync(file, text);
    const found: [number, ...string[]][] = [];
    for await (const { line, cells } of csvRecords(file, ',')) found.push([line, ...cells]);
    return found;
  }
  test.each([['\n'], ['\r\n']])('has the lines that an editor shows: %j', async (end) => {
    const text = ['\ufeffa,b', '1,"x', '', 'y"', '', '2,3', '"4', '5",6', '7,8'].join(end);
    expect((await linesOf(text)).map(([line, first = '']) => [line, first.replaceAll('\r\n', '\n')])).toEqual(
      [
        [1, 'a'],
        [2, '1'],
        [6, '2'],
        [7, '4\n5'],
        [9, '7'],
      ],
    );
  });
  test('is read as it was written', async () => {
    const cells = ['plain', 'a,b', 'say "hi"', 'two\nlines', ' spaces ', ''];
    expect(await linesOf(csvLine(cells, ','))).toEqual([[1, ...cells]]);
  });
});

test('channel and person follow from the recipient, and what was said stays', () => {
  expect(completed({ email: 'a@example.org' })).toMatchObject({ type: 'email', user_id: 'a@example.org' });
  expect(completed({ phone: '+12025550123', user_id: 'u1' })).toMatchObject({ type: 'sms', user_id: 'u1' });
  expect(completed({ user_id: 'u1' })).toMatchObject({ type: 'in_app' });
  expect(completed({ email: 'a@example.org', phone: '+12025550123' })).not.toHaveProperty('type');
  expect(completed({ email: 'a@example.org', phone: '+12025550123', type: 'sms' })).toMatchObject({
    user_id: '+12025550123',
  });
});

describe('the key', () => {
  const here = { address: 'http://127.0.0.1:3000', apiKey: 'key-of-the-fleet-here' };
  test('of the fleet here is for that fleet only', () => {
    expect(connectionOf({}, {}, here)).toMatchObject({ address: here.address, key: here.apiKey });
    expect(connectionOf({ url: 'http://localhost:3000/' }, {}, here)).toMatchObject({ key: here.apiKey });
    for (const url of ['http://localhost:3001', 'https://127.0.0.1:3000', 'http://tidings.example.org:3000'])
      expect(() => connectionOf({ url }, {}, here)).toThrow(`No key for ${url}`);
  });
  test('of the environment goes where it was told, with a warning where others could read it', () => {
    const env = { TIDINGS_URL: 'http://tidings.example.org', TIDINGS_API_KEY: ' some-key\n' };
    const connection = connectionOf({}, env, here);
    expect(connection).toMatchObject({ address: 'http://tidings.example.org', key: 'some-key' });
    expect(connection.warnings).toEqual([expect.stringContaining('with https')]);
    expect(() => connectionOf({}, { ...env, TIDINGS_API_KEY: 'two words' }, here)).toThrow('holds no key');
  });
});

test('an address is one place, however it is spelled', () => {
  expect(placeOf('http://127.0.0.1:3000')).toBe(placeOf('http://localhost:3000/'));
  expect(placeOf('http://127.0.0.1:3000')).not.toBe(placeOf('http://127.0.0.1:3001'));
});

test('many acts end as one', () => {
  expect(exitOfMany(['done', 'done'])).toBe('done');
  expect(exitOfMany(['refused', 'refused'])).toBe('refused');
  expect(exitOfMany(['done', 'refused'])).toBe('partly');
  expect(exitOfMany(['refused', 'unfinished'])).toBe('refused');
});
