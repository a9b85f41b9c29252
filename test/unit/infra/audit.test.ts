import { expect, test } from 'vitest';
import { verdictOf } from '../../../infra/local/audit-verdict.ts';

/** The shape of `npm audit --json` (npm 10 and 11), cut to what is read. */
const report = (severities: Record<string, string>) =>
  JSON.stringify({
    auditReportVersion: 2,
    vulnerabilities: Object.fromEntries(
      Object.entries(severities).map(([name, severity]) => [name, { name, severity, via: [] }]),
    ),
    metadata: { dependencies: { prod: 120, dev: 400 } },
  });

test('a high or critical one fails, and is named', () => {
  expect(verdictOf(report({ a: 'high', b: 'low', c: 'critical' }))).toEqual({
    isFailed: true,
    words: '· 120 packages ship; vulnerabilities high or above: a (high), c (critical)',
  });
});

test('lesser ones, and none, pass', () => {
  expect(verdictOf(report({ a: 'moderate', b: 'low' })).isFailed).toBe(false);
  expect(verdictOf(report({})).words).toContain('none known');
});

test.each([
  ['no JSON', 'oops'],
  ['nothing', ''],
  ['a registry without the endpoint', '{"message":"405 Method Not Allowed","statusCode":405}'],
])('with %s it says that it was skipped', (_what, json) => {
  expect(verdictOf(json)).toEqual({
    isFailed: false,
    words: '· skipped: the registry of this machine answers no audit',
  });
});
