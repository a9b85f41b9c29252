import { expect, test } from 'vitest';
import { Problem } from '../../../services/producer/api/problem.ts';
import { Comparisons } from '../../../services/producer/sign-in/comparisons.ts';

test('passwords are compared two at a time; forty wait, and more are told to come again', async () => {
  const comparisons = new Comparisons();
  const ends: (() => void)[] = [];
  let running = 0;
  let most = 0;
  const compare = async (): Promise<true> => {
    most = Math.max(most, (running += 1));
    await new Promise<void>((resolve) => ends.push(resolve));
    running -= 1;
    return true;
  };
  const results = Array.from({ length: 45 }, () =>
    comparisons.run(compare).catch((thrown: unknown) => thrown),
  );
  while (ends.length > 0) {
    ends.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const answers = await Promise.all(results);
  expect(most).toBe(2);
  expect(answers.filter((answer) => answer === true)).toHaveLength(42);
  const refused = answers.filter((answer) => answer instanceof Problem);
  expect(refused.map(({ code }) => code)).toEqual(Array.from({ length: 3 }, () => 'too_many_requests'));
  const next = comparisons.run(() => Promise.resolve('free again'));
  await expect(next).resolves.toBe('free again');
});

test('one that fails gives its place on', async () => {
  const comparisons = new Comparisons();
  for (let n = 0; n < 5; n += 1)
    await expect(comparisons.run(() => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
  await expect(comparisons.run(() => Promise.resolve(1))).resolves.toBe(1);
});
