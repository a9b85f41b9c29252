import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { describe as inWords, operationsOf, troublesOf, type Finished } from '../../fuzz/judge.ts';
import { readCalls, readSummary, type Calls } from '../../fuzz/report.ts';

const folder = mkdtempSync(join(tmpdir(), 'fuzz-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const operations = operationsOf({
  security: [{ bearer: [] }],
  paths: { '/a': { get: {}, post: {} }, '/open': { get: { security: [] } } },
});
const isMeant = { hasKey: true, callsAll: true };

function finished(change: Partial<Finished['summary']> = {}, calls: Record<string, number[]> = {}): Finished {
  const all: Record<string, number[]> = {
    'GET /a': [200],
    'POST /a': [202, 400],
    'GET /open': [200],
    ...calls,
  };
  return {
    code: 0,
    summary: { stop_reason: 'completed', test_cases: { generated: 9 }, failures: [], errors: [], ...change },
    calls: new Map(
      Object.entries(all).map(([one, statuses]) => [one, new Map(statuses.map((status) => [status, 1]))]),
    ),
  };
}

describe('the operations of a document', () => {
  test('are its methods and paths; those without security are open', () => {
    expect(operations.all).toEqual(['GET /a', 'POST /a', 'GET /open']);
    expect(operations.guarded).toEqual(['GET /a', 'POST /a']);
  });
});

describe('a run of schemathesis', () => {
  test('with every operation called and nothing found is well', () => {
    expect(troublesOf(finished(), operations, isMeant)).toEqual([]);
    expect(inWords(finished(), operations)).toBe(
      '9 cases, 3 of 3 operations called, 3 with success, 0 failures',
    );
  });
  const failure = { title: 'Undocumented HTTP status code', count: 2, operations: ['GET /a'] };
  test.each<[string, Finished, string]>([
    ['a finding', finished({ failures: [failure] }), 'Undocumented HTTP status code: 2, GET /a'],
    [
      'an error of its own',
      finished({ errors: [{ title: 'Runtime Error', count: 1 }] }),
      '1 errors of schemathesis itself',
    ],
    ['an early end', finished({ stop_reason: 'interrupted' }), 'it stopped early: interrupted'],
    ['a 503, documented as it is', finished({}, { 'POST /a': [202, 503] }), 'answered 5xx: POST /a'],
    ['an operation without an answer', finished({}, { 'GET /a': [] }), 'never called: GET /a'],
    ['an exit code alone', { ...finished(), code: 2 }, 'schemathesis ended with 2'],
  ])('with %s is not', (_what, run, trouble) => {
    expect(troublesOf(run, operations, isMeant)).toEqual([trouble]);
  });
  test('tolerates a case that the generator cannot make, and its exit code', () => {
    const run = { ...finished({ errors: [{ title: 'Failed Health Check', count: 1 }] }), code: 1 };
    expect(troublesOf(run, operations, isMeant)).toEqual([]);
  });
  test('through sequences need not call everything, and may end with its time', () => {
    const run = finished({ stop_reason: 'max_time' }, { 'GET /a': [] });
    expect(troublesOf(run, operations, { hasKey: true, callsAll: false })).toEqual([]);
  });
  test('without a key must get no success from what needs one', () => {
    const noKey = { hasKey: false, callsAll: true };
    expect(troublesOf(finished({}, { 'POST /a': [401] }), operations, noKey)).toEqual([
      'open without a key: GET /a',
    ]);
    expect(troublesOf(finished({}, { 'GET /a': [401], 'POST /a': [401] }), operations, noKey)).toEqual([]);
  });
});

describe('the reports', () => {
  const scenario = (path: string, status: number | undefined): string =>
    JSON.stringify({
      ScenarioFinished: {
        recorder: {
          label: 'Stateful tests',
          cases: { c1: { value: { method: 'GET', path, headers: {} } } },
          interactions: { c1: { request: {}, ...(status && { response: { status_code: status } }) } },
        },
      },
    });
  test('are counted by the operation of each case, and what was never answered is no call', async () => {
    const file = join(folder, 'journal.ndjson');
    const skipped = JSON.stringify({ ScenarioFinished: { recorder: { label: 'GET /b' } } });
    const lines = ['{"PhaseStarted":{}}', scenario('/a/{id}', 200), scenario('/a/{id}', 200)];
    writeFileSync(file, [...lines, scenario('/a/{id}', 404), scenario('/b', undefined), skipped].join('\n'));
    const calls: Calls = await readCalls(file);
    expect([...calls]).toEqual([
      [
        'GET /a/{id}',
        new Map([
          [200, 2],
          [404, 1],
        ]),
      ],
    ]);
  });
  test('that were cut off are an error, not a run without findings', () => {
    expect(() => readSummary('{"stop_reason":"completed"}')).toThrow();
    expect(() => readSummary('')).toThrow();
  });
});
