import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ListFinder, fieldOfExcess } from '../../../shared/runtime/json-bytes.ts';

/** The items of a document as the finder splits it, in steps of a length. */
function split(text: string, step = 7): { items: string[]; rest: string; count: number } {
  const bytes = Buffer.from(text);
  const finder = new ListFinder(bytes, { name: 'notifications', keep: 1_000 });
  while (finder.advance(step)) continue;
  const { start, end } = finder.list ?? { start: 0, end: 0 };
  const rest = bytes.toString('utf8', 0, start) + bytes.toString('utf8', end);
  return {
    items: finder.items.map((one) => bytes.toString('utf8', one.start, one.end)),
    rest,
    count: finder.count,
  };
}

test('splits any list into the items that JSON.parse finds', () => {
  fc.assert(
    fc.property(
      fc.array(fc.jsonValue()),
      fc.jsonValue(),
      fc.integer({ min: 1, max: 100 }),
      fc.nat(3),
      (list, other, step, indent) => {
        const text = JSON.stringify({ before: other, notifications: list, after: [other] }, null, indent);
        const { items, rest, count } = split(text, step);
        expect(items.map((item) => JSON.parse(item) as unknown)).toEqual(JSON.parse(JSON.stringify(list)));
        expect(count).toBe(list.length);
        expect(JSON.parse(rest)).toEqual(
          JSON.parse(JSON.stringify({ before: other, notifications: [], after: [other] })),
        );
      },
    ),
  );
});

test.each([
  ['{"notifications":[]}', 0],
  ['{"notifications": [ \n ] }', 0],
  ['{"notif\\u0069cations":[1]}', 1],
  [`{"notifications":[${' '.repeat(200_000)}{"a":1}${' '.repeat(200_000)}]}`, 1],
  ['{"a":{"notifications":[1,2]},"notifications":[[1,2],{"b":","}]}', 2],
  ['{"notifications":5,"b":[1]}', 0],
  ['[1,2,3]', 0],
])('finds in %s the items: %#', (text, count) => {
  expect(split(text).count).toBe(count);
});

test.each([
  '{"notifications":[1,]}',
  '{"notifications":[,1]}',
  '{"notifications":[1}',
  '{"notifications":[1]',
])('leaves in %s a piece that is no JSON', (text) => {
  const { items, rest } = split(text);
  expect(() => [...items, rest].map((piece) => JSON.parse(piece) as unknown)).toThrow(SyntaxError);
});

test('counts items beyond those that it keeps', () => {
  const bytes = Buffer.from(`{"notifications":[${'{},'.repeat(5_000)}{}]}`);
  const finder = new ListFinder(bytes, { name: 'notifications', keep: 10 });
  while (finder.advance(1_000)) continue;
  expect(finder.items).toHaveLength(10);
  expect(finder.count).toBe(5_001);
});

test('counts values outside of strings, and names the field that has too many', () => {
  const bytes = Buffer.from('{"a":[1,2,{}],"b":"[[,,\\",{"}');
  expect(fieldOfExcess(bytes, 6)).toBeUndefined();
  expect(fieldOfExcess(bytes, 5)).toBe('a');
  expect(fieldOfExcess(Buffer.from('{"a":[1,2],"b":[[[]]]}'), 5)).toBe('b');
  expect(fieldOfExcess(Buffer.from('[1,2,3,4]'), 2)).toBe('');
});
