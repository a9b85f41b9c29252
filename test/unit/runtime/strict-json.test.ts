import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readJson } from '../../../shared/runtime/strict-json.ts';
import { NotUtf8, decodeUtf8 } from '../../../shared/runtime/utf8.ts';

const fieldsOf = (text: string): string[] => readJson(text).troubles.map(({ field }) => field);

describe('decodeUtf8', () => {
  test('decodes what UTF-8 encodes, and drops a byte order mark', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        fc.pre(!text.startsWith('\ufeff'));
        expect(decodeUtf8(Buffer.from(text))).toBe(text);
        expect(decodeUtf8(Buffer.from(`\ufeff${text}`))).toBe(text);
      }),
    );
  });
  test.each<[string, number[], number]>([
    ['Latin-1', [0x47, 0x72, 0xf6, 0xdf, 0x65], 2],
    ['a character cut off at the end', [0x61, 0xe2, 0x82], 1],
    ['an overlong character', [0x61, 0x62, 0xc0, 0x80], 2],
    ['an encoded surrogate', [0xed, 0xa0, 0x80], 0],
    ['what looks like the beginning of U+FFFD', [0x61, 0xef, 0xbf, 0x41], 1],
    [
      'a text of several blocks',
      [...Array.from({ length: 9_001 }, () => [0xe2, 0x82, 0xac]).flat(), 0xf6],
      27_003,
    ],
    ['UTF-16', [0xff, 0xfe, 0x61, 0x00], 0],
  ])('names the first wrong byte of %s', (_what, bytes, offset) => {
    const refused = (() => {
      try {
        return decodeUtf8(Uint8Array.from(bytes));
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(refused).toBeInstanceOf(NotUtf8);
    expect(refused).toMatchObject({ offset });
    expect((refused as Error).message).toContain(`byte ${offset} (0x`);
  });
  test('keeps a replacement character that was sent as one', () => {
    expect(decodeUtf8(Buffer.from('\ufffd'))).toBe('\ufffd');
  });
});

describe('readJson', () => {
  test('finds nothing wrong with what JavaScript writes, and reads the same', () => {
    fc.assert(
      fc.property(fc.json({ noUnicodeString: false }), (text) => {
        fc.pre(!/\\ud[89a-f]/i.test(text));
        // A minus before zero is the one thing that JavaScript itself does not write back.
        expect(readJson(text)).toEqual({ value: JSON.parse(text) as unknown, troubles: [] });
      }),
    );
  });
  test('accepts every number that a double holds, in any notation', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (number) => {
        for (const text of [
          String(number),
          number.toExponential(),
          String(number).replace(/^(-?\d+)$/, '$1.0'),
        ])
          expect(readJson(`[${text}]`).troubles).toEqual([]);
      }),
    );
  });
  test.each([
    '0',
    '-0',
    '1.0',
    '1e2',
    '1E+2',
    '100e-2',
    '0.1',
    '9007199254740992',
    '9007199254740994',
    '1e300',
    '5e-324',
    '1.50',
    '0.0e5',
  ])('accepts the number %s', (number) => {
    expect(fieldsOf(`{"data":{"n":${number}}}`)).toEqual([]);
  });
  test.each([
    '9007199254740993',
    '-9007199254740993',
    '1524831183200260097',
    '1e400',
    '-1e400',
    '1e-400',
    '3.141592653589793238',
    '0.10000000000000001',
    '123456789012345678901234567890',
    `1${'0'.repeat(1_000)}`,
    `0.${'0'.repeat(500_000)}1`,
  ])('names the number %s by its path', (number) => {
    expect(fieldsOf(`{"a":"1e400","data":{"list":[1,{"n":${number}}],"after":1}}`)).toEqual([
      'data.list.1.n',
    ]);
  });
  test.each(['"\\ud800"', '"a\\uDFFFb"', '"\\ude00\\ud83d"', '["x","\\ud83d"]'])(
    'names the unpaired surrogate in %s',
    (value) => {
      expect(fieldsOf(`{"message":${value}}`)).toEqual([value.startsWith('[') ? 'message.1' : 'message']);
    },
  );
  test('names an unpaired surrogate in a name, and accepts a pair', () => {
    expect(fieldsOf('{"data":{"\\ud800":1}}')).toEqual(['data.\ufffd']);
    expect(fieldsOf('{"message":"\\ud83d\\ude00","data":{"\\ud83d\\ude00":"\\\\ud800"}}')).toEqual([]);
  });
  test('keeps __proto__, constructor and other names of prototypes', () => {
    const text =
      '{"__proto__":{"a":1},"constructor":{"prototype":1},"toString":"x","":1,"hasOwnProperty":null}';
    expect(readJson(text).troubles).toEqual([]);
    expect(JSON.stringify(readJson(text).value)).toBe(text);
  });
  test.each([
    ['{"a":1,"a":2}', 'a'],
    ['{"a":1,"\\u0061":1}', 'a'],
    ['{"":1,"":1}', 'body'],
    ['{"x":[{"b":1,"c":{},"b":1}]}', 'x.0.b'],
  ])('names the field that comes twice in %s', (text, field) => {
    expect(fieldsOf(text)).toEqual([field]);
  });
  test('a name may come again in another object', () => {
    expect(fieldsOf('{"a":{"a":1},"b":[{"a":1},{"a":{"a":2}}]}')).toEqual([]);
  });
  test('passes over quotes, brackets and numbers in strings', () => {
    expect(fieldsOf('{"a":"\\"{[1e400,\\\\","b":"\\\\\\"","c":["]",9007199254740993]}')).toEqual(['c.1']);
  });
  test('takes no time for what is deep, long or full of escapes', () => {
    const begunAt = performance.now();
    const number = '10'.repeat(200_000);
    for (const text of [
      '['.repeat(100_000) + ']'.repeat(100_000),
      `"${'\\\\'.repeat(500_000)}"`,
      `["${'x","'.repeat(100_000)}"]`,
    ])
      expect(fieldsOf(text)).toEqual([]);
    expect(fieldsOf(`[${number}]`)).toHaveLength(1);
    expect(performance.now() - begunAt).toBeLessThan(2_000);
  });
  test('refuses what is no JSON', () => {
    for (const text of ['{', '', '{"a":1,}', '01', "{'a':1}", 'NaN'])
      expect(() => readJson(text)).toThrow(SyntaxError);
  });
});
