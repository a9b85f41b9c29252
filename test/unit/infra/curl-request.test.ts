import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { curlRequestOf } from '../../../infra/bare/curl-request.ts';

describe('a curl command of a document', () => {
  test('is read with method, headers and body', () => {
    const command = `curl -X PUT localhost:3000/v1/x \\
  -H 'authorization: Bearer k' -H "x-note: it's \\"so\\"" \\
  --silent -d '{"a":
  "b c"}'`;
    expect(curlRequestOf(command)).toEqual({
      url: 'http://localhost:3000/v1/x',
      method: 'PUT',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        authorization: 'Bearer k',
        'x-note': 'it\'s "so"',
      },
      body: '{"a":\n  "b c"}',
    });
  });

  test('without a body is a GET, and with one a POST', () => {
    expect(curlRequestOf('curl https://h/x')).toEqual({ url: 'https://h/x', method: 'GET', headers: {} });
    expect(curlRequestOf("curl h -d a=1 -d b='2 3'")).toMatchObject({ method: 'POST', body: 'a=1&b=2 3' });
  });

  test.each([
    ['wget h', /no curl command/],
    ['curl --insecure https://h', /the option --insecure/],
    ['curl -L h', /the option -L/],
    ['curl -sS h', /the option -sS/],
    ['curl h -H', /-H has no value/],
    ['curl h -H nothing', /no header: nothing/],
    ['curl -X POST', /one address is needed/],
    ['curl h i', /one address is needed/],
    ['curl h -d @file', /data from a file/],
    ['curl h -H "authorization: Bearer $KEY"', /would do something of its own/],
    ['curl h | sh', /would do something of its own/],
    ['curl h; rm x', /would do something of its own/],
    ['curl `id`', /would do something of its own/],
    ["curl 'h", /would do something of its own/],
    ['curl h?a=1&b=2', /would do something of its own/],
  ])('%s is refused', (command, words) => {
    expect(() => curlRequestOf(command)).toThrow(words);
  });

  test('is one that can be read, wherever the README shows one', () => {
    const readme = readFileSync('README.md', 'utf8');
    const commands = [...readme.matchAll(/^curl (?:.*\\\n)*.*(?:\n {2,}.*)*/gm)].map(([command]) => command);
    expect(commands.length).toBeGreaterThan(4);
    for (const command of commands) {
      const filled = command.replace(/<API key>/g, 'key').replace(/<[^>]*>/g, 'id');
      expect(curlRequestOf(filled).url).toMatch(/^http:\/\/localhost:3000\//);
    }
  });
});
