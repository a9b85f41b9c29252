import { expect, test } from 'vitest';
import { shutDown, type ShutdownStage } from '../../../shared/runtime/shutdown.ts';
import { silentLogger, type Logger } from '../../../shared/runtime/logger.ts';

function noting(): { log: Logger; failed: () => string[] } {
  const failed: string[] = [];
  const error = (_words: string, more?: object): void => {
    const { part, error: thrown } = more as { part: string; error: Error };
    failed.push(`${part}: ${thrown.message}`);
  };
  return { log: { ...silentLogger, error }, failed: () => failed };
}

const never = new Promise<never>(() => undefined);

test('stops every part, whatever became of the others, and logs what failed', async () => {
  const { log, failed } = noting();
  const stopped: string[] = [];
  const note = (name: string) => () => stopped.push(name);
  const stages: ShutdownStage[] = [
    {
      throws: () => {
        throw new Error('at once');
      },
      first: note('first'),
    },
    { rejects: () => Promise.reject(new Error('later')), second: note('second') },
    { third: note('third') },
  ];
  await shutDown({ log, withinMs: 5_000 }, stages);
  expect(stopped).toEqual(['first', 'second', 'third']);
  expect(failed()).toEqual(['throws: at once', 'rejects: later']);
});

test('leaves behind a part that hangs, in time for those behind it', async () => {
  const { log, failed } = noting();
  const stopped: string[] = [];
  const startedAt = performance.now();
  await shutDown({ log, withinMs: 800 }, [
    { hangs: () => never },
    { 'hangs, too': () => never },
    { last: () => stopped.push('last') },
  ]);
  expect(performance.now() - startedAt).toBeLessThan(1_500);
  expect(stopped).toEqual(['last']);
  expect(failed()).toEqual([
    expect.stringMatching(/^hangs: did not stop within \d+ ms$/),
    expect.stringMatching(/^hangs, too: did not stop within \d+ ms$/),
  ]);
});

test('begins a stage when every part of the one before it has stopped', async () => {
  const order: string[] = [];
  await shutDown({ log: silentLogger, withinMs: 5_000 }, [
    {
      slow: async () => {
        await new Promise((resolve) => setImmediate(resolve));
        order.push('slow');
      },
    },
    { next: () => order.push('next') },
  ]);
  expect(order).toEqual(['slow', 'next']);
});
