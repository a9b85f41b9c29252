import { MongoBulkWriteError, MongoNetworkError, MongoServerError } from 'mongodb';
import { expect, test } from 'vitest';
import { isStoreAway, problemOf } from '../../../services/producer/api/problem.ts';
import { silentLogger } from '../../../shared/runtime/logger.ts';

/** What a server answers while it steps down, recovers or shuts down. */
const STEPPING_DOWN: [string, number][] = [
  ['ShutdownInProgress', 91],
  ['PrimarySteppedDown', 189],
  ['LegacyNotPrimary', 10_058],
  ['NotWritablePrimary', 10_107],
  ['InterruptedAtShutdown', 11_600],
  ['InterruptedDueToReplStateChange', 11_602],
  ['NotPrimaryNoSecondaryOk', 13_435],
  ['NotPrimaryOrSecondary', 13_436],
];

test.each(STEPPING_DOWN)(
  'an update of many that meets %s is a 503 that says when to come again',
  (codeName, code) => {
    const thrown = new MongoServerError({ message: codeName, code, codeName });
    expect(isStoreAway(thrown)).toBe(true);
    const problem = problemOf(thrown, silentLogger);
    expect([problem.code, problem.headers['retry-after']]).toEqual(['store_unavailable', '5']);
  },
);

test.each([
  ['a duplicate', new MongoServerError({ message: 'E11000', code: 11_000 })],
  ['a bad pipeline', new MongoServerError({ message: 'Unrecognized stage', code: 40_324 })],
  ['our own', new TypeError('x is undefined')],
])('%s is a bug, not an absence', (_what, thrown) => {
  expect(isStoreAway(thrown)).toBe(false);
});

test('what says that the server cannot be reached is one', () => {
  expect(isStoreAway(new MongoNetworkError('connection closed'))).toBe(true);
  expect(isStoreAway(new MongoBulkWriteError({ message: 'x', code: 1, writeErrors: [] }, {} as never))).toBe(
    true,
  );
});
