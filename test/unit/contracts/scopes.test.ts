import { expect, test } from 'vitest';
import { SCOPES, holds, meets, sendableBy, type Scope } from '../../../shared/contracts/index.ts';

/** Which needs each scope meets, in full: whatever is not here is refused. */
const MEETS: Record<Scope, readonly Scope[]> = {
  send: ['send', 'send:email', 'send:sms', 'send:in_app'],
  'send:email': ['send', 'send:email'],
  'send:sms': ['send', 'send:sms'],
  'send:in_app': ['send', 'send:in_app'],
  read: ['read'],
  'read:all': ['read', 'read:all'],
  retry: ['retry'],
  'retry:all': ['retry', 'retry:all'],
  feedback: ['feedback'],
  admin: SCOPES,
};

test.each(SCOPES)('%s meets exactly the needs of the table', (scope) => {
  expect(SCOPES.filter((need) => meets([scope], need))).toEqual(MEETS[scope]);
});

test('a scope for what its caller has submitted never holds the one for all', () => {
  expect(holds(['read', 'retry', 'send', 'feedback'], 'read:all')).toBe(false);
  expect(holds(['read', 'retry', 'send', 'feedback'], 'retry:all')).toBe(false);
  expect(holds(['admin'], 'read:all')).toBe(true);
});

test('send by one channel does not hold send', () => {
  expect(holds(['send:email'], 'send')).toBe(false);
  expect(sendableBy(['send:email', 'send:sms'])).toEqual(['email', 'sms']);
  expect(sendableBy(['read:all'])).toEqual([]);
});
