import { Writable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readConfig } from '../../../shared/runtime/config.ts';
import { toError } from '../../../shared/runtime/errors.ts';
import { createLogger } from '../../../shared/runtime/logger.ts';

/** Values that `JSON.stringify`, a template literal or a property access cannot take. */
const AWKWARD: Record<string, () => unknown> = {
  undefined: () => undefined,
  symbol: () => Symbol('s'),
  bigint: () => 10n ** 400n,
  function: () => () => 1,
  'not a number': () => Number.NaN,
  'invalid date': () => new Date(Number.NaN),
  cycle: () => {
    const cycle: Record<string, unknown> = {};
    cycle.self = cycle;
    return cycle;
  },
  'cyclic error': () => {
    const error = new Error('cyclic');
    error.cause = error;
    return error;
  },
  'getter that throws': () => Object.defineProperty({}, 'x', { enumerable: true, get: fail }),
  'error whose message throws': () => Object.defineProperty(new Error('x'), 'message', { get: fail }),
  'toJSON that throws': () => ({ toJSON: fail }),
  'toString that throws': () => ({ toString: fail }),
  'no prototype': () => Object.create(null) as object,
  'revoked proxy': () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return proxy;
  },
  'proxy that throws': () => new Proxy({}, { get: fail, ownKeys: fail, getPrototypeOf: fail }),
  'unpaired surrogate': () => '\ud800',
  'long text': () => 'x'.repeat(5_000_000),
  'huge array': () => new Array<undefined>(10_000_000),
  'typed array': () => new Uint8Array(1_000_000),
  map: () => new Map([[{}, 1n]]),
};

function fail(): never {
  throw new Error('made to fail');
}

/** A logger in one format, and the lines it has written. */
function written(LOG_FORMAT: string) {
  let text = '';
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      text += chunk.toString();
      done();
    },
  });
  const log = createLogger(readConfig({ LOG_FORMAT, LOG_LEVEL: 'debug' }), 'test', stream);
  return { log, text: () => text, lines: () => text.split('\n').filter((line) => /^\S/.test(line)) };
}

describe.each(['text', 'json'])('Logger in %s', (format) => {
  test.each(Object.entries(AWKWARD))('writes one bounded line for %s', (_, make) => {
    const { log, lines, text } = written(format);
    log.warn('parked', { message_id: make(), list: [make()], reason: 'kept' });
    log.warn('parked', make() as never);
    log.warn(make() as string);
    expect(lines()).toHaveLength(3);
    expect(text()).toContain('kept');
    expect(Math.max(...lines().map(({ length }) => length))).toBeLessThan(100_000);
  });

  test('writes one line for whatever it is given', () => {
    const anything = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withNullPrototype: true,
      withObjectString: true,
      withSparseArray: true,
      withTypedArray: true,
    });
    fc.assert(
      fc.property(anything, fc.dictionary(fc.string(), anything), (words, fields) => {
        const { log, lines } = written(format);
        log.error(words as string, fields);
        expect(lines()).toHaveLength(1);
      }),
      { numRuns: 500 },
    );
  });
});

describe('toError', () => {
  test.each(Object.entries(AWKWARD))('makes an error of %s', (_, make) => {
    expect(toError(make())).toBeInstanceOf(Error);
  });
});
