import { expect, test } from 'vitest';
import { TokenBuckets } from '../../../services/producer/access/token-buckets.ts';

let now = 0;
const buckets = (perSecond: number) => new TokenBuckets(perSecond, () => now);
const takeMany = (from: TokenBuckets, count: number, name = 'a') =>
  Array.from({ length: count }, () => from.take(name)).filter(({ isOver }) => !isOver).length;

test('a second’s worth is there at once, and comes back one by one', () => {
  const ten = buckets(10);
  expect(takeMany(ten, 30)).toBe(10);
  now += 100;
  expect(takeMany(ten, 30)).toBe(1);
  now += 350;
  expect(takeMany(ten, 30)).toBe(3);
  now += 60_000;
  expect(takeMany(ten, 30)).toBe(10);
});

test('says what is left, and when all of it is back', () => {
  const ten = buckets(10);
  expect(ten.take('b')).toEqual({ isOver: false, left: 9, fullInMs: 100 });
  takeMany(ten, 8, 'b');
  expect(ten.take('b')).toEqual({ isOver: false, left: 0, fullInMs: 1_000 });
  expect(ten.take('b')).toEqual({ isOver: true, left: 0, fullInMs: 1_000 });
});

test('thirds of a second lose nothing', () => {
  const three = buckets(3);
  now += 10_000;
  expect([1, 2, 3, 4].map(() => three.take('c').left)).toEqual([2, 1, 0, 0]);
  expect(three.take('c').isOver).toBe(true);
});

test('one that floods gets no more than its rate, evenly', () => {
  const hundred = buckets(100);
  takeMany(hundred, 100);
  const perTenth = Array.from({ length: 10 }, () => {
    let passed = 0;
    for (let ms = 0; ms < 100; ms += 1, now += 1) passed += takeMany(hundred, 5);
    return passed;
  });
  expect(Math.max(...perTenth)).toBeLessThanOrEqual(11);
  expect(perTenth.reduce((sum, one) => sum + one)).toBeGreaterThanOrEqual(99);
});

test('names do not touch each other, and many of them are forgotten when they are full again', () => {
  const one = buckets(1);
  for (let n = 0; n < 50_000; n += 1) {
    expect(one.take(String(n)).isOver).toBe(false);
    now += 1;
  }
  expect(one.take('49999').isOver).toBe(true);
  expect(one.take('0').isOver).toBe(false);
});

test('spends more than a second’s worth at once where nothing is owed, and nothing more until it is back', () => {
  const thousand = buckets(1_000);
  now += 60_000;
  expect(thousand.spend('bytes', 3_000)).toEqual({ isOver: false, left: 0, fullInMs: 3_000 });
  expect(thousand.spend('bytes', 1).isOver).toBe(true);
  now += 1_900;
  expect(thousand.spend('bytes', 1).isOver).toBe(true);
  now += 200;
  expect(thousand.spend('bytes', 1).isOver).toBe(false);
  now += 60_000;
  expect(thousand.spend('bytes', 400)).toEqual({ isOver: false, left: 600, fullInMs: 400 });
});
