import type { Request, Response } from 'express';
import { expect, test } from 'vitest';
import { guardPages } from '../../../services/producer/web/guard.ts';

function passes(listenHost: string, method: string, headers: Record<string, string>): boolean {
  let passed = false;
  try {
    guardPages(listenHost)({ method, headers } as unknown as Request, {} as Response, () => (passed = true));
  } catch {
    // Refused.
  }
  return passed;
}

test.each([
  ['a page by localhost', '127.0.0.1', 'GET', { host: 'localhost:3000' }, true],
  ['a page by the address', '127.0.0.1', 'GET', { host: '127.0.0.1:3000' }, true],
  [
    'another name that resolves here (DNS rebinding)',
    '127.0.0.1',
    'GET',
    { host: 'evil.example:3000' },
    false,
  ],
  ['a name that only begins like ours', '127.0.0.1', 'GET', { host: 'localhost.evil.example' }, false],
  ['no Host', '127.0.0.1', 'GET', {}, false],
  ['any page while we listen to the world', '0.0.0.0', 'GET', { host: 'localhost:3000' }, false],
  [
    'a form of our own',
    '127.0.0.1',
    'POST',
    { host: 'localhost:3000', origin: 'http://localhost:3000' },
    true,
  ],
  [
    'a form of another site',
    '127.0.0.1',
    'POST',
    { host: 'localhost:3000', origin: 'https://evil.example' },
    false,
  ],
  [
    'a form of another port',
    '127.0.0.1',
    'POST',
    { host: 'localhost:3000', origin: 'http://localhost:8080' },
    false,
  ],
  ['a form without any origin', '127.0.0.1', 'POST', { host: 'localhost:3000' }, false],
  [
    'a form that the browser calls cross-site',
    '127.0.0.1',
    'POST',
    { host: 'localhost:3000', 'sec-fetch-site': 'cross-site' },
    false,
  ],
])('%s', (_what, listenHost, method, headers, expected) => {
  expect(passes(listenHost, method, headers as Record<string, string>)).toBe(expected);
});
