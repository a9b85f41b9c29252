import type { Request, Response } from 'express';
import { expect, test } from 'vitest';
import { guardPages } from '../../../services/producer/web/guard.ts';

type Listening = Parameters<typeof guardPages>[0];
const HERE = { HOST: '127.0.0.1' };
const PUBLISHED = { HOST: '0.0.0.0', PUBLIC_URL: 'https://tidings.example.org/' };

function passes(listening: Listening, method: string, headers: Record<string, string>): boolean {
  let passed = false;
  try {
    guardPages(listening)({ method, headers } as unknown as Request, {} as Response, () => (passed = true));
  } catch {
    // Refused.
  }
  return passed;
}

test.each([
  ['a page by localhost', HERE, 'GET', { host: 'localhost:3000' }, true],
  ['a page by the address', HERE, 'GET', { host: '127.0.0.1:3000' }, true],
  ['another name that resolves here (DNS rebinding)', HERE, 'GET', { host: 'evil.example:3000' }, false],
  ['a name that only begins like ours', HERE, 'GET', { host: 'localhost.evil.example' }, false],
  ['no Host', HERE, 'GET', {}, false],
  ['any page while we listen to the world', { HOST: '0.0.0.0' }, 'GET', { host: 'localhost:3000' }, false],
  ['a form of our own', HERE, 'POST', { host: 'localhost:3000', origin: 'http://localhost:3000' }, true],
  ['a form of another site', HERE, 'POST', { host: 'localhost:3000', origin: 'https://evil.example' }, false],
  [
    'a form of another port',
    HERE,
    'POST',
    { host: 'localhost:3000', origin: 'http://localhost:8080' },
    false,
  ],
  ['a form without any origin', HERE, 'POST', { host: 'localhost:3000' }, false],
  [
    'a form that the browser calls cross-site',
    HERE,
    'POST',
    { host: 'localhost:3000', 'sec-fetch-site': 'cross-site' },
    false,
  ],
  ['a page under PUBLIC_URL', PUBLISHED, 'GET', { host: 'tidings.example.org' }, true],
  ['a page by another name than PUBLIC_URL', PUBLISHED, 'GET', { host: 'localhost:3000' }, false],
  [
    'a form under PUBLIC_URL, whose TLS ends before us',
    PUBLISHED,
    'POST',
    { host: 'tidings.example.org', origin: 'https://tidings.example.org' },
    true,
  ],
])('%s', (_what, listening, method, headers, expected) => {
  expect(passes(listening, method, headers as Record<string, string>)).toBe(expected);
});
