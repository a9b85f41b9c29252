import type { Channel, Message } from 'amqplib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Acknowledger } from '../../../shared/broker/acknowledger.ts';

/** A channel that keeps a broker's book: what it delivered and nobody has settled. */
function book(): { channel: Channel; open: Set<number>; frames: number } {
  const kept = { channel: {} as Channel, open: new Set<number>(), frames: 0 };
  const ack = ({ fields: { deliveryTag } }: Message, upTo = false): void => {
    if (!kept.open.has(deliveryTag)) throw new Error(`unknown delivery tag ${deliveryTag}`);
    kept.frames += 1;
    for (const tag of kept.open)
      if (tag === deliveryTag || (upTo && tag < deliveryTag)) kept.open.delete(tag);
  };
  const reject = ({ fields: { deliveryTag } }: Message): void => void kept.open.delete(deliveryTag);
  kept.channel = { ack, reject } as unknown as Channel;
  return kept;
}

test('whatever the order, exactly what is done is acknowledged, and never a tag twice', async () => {
  const step = fc.record({
    delivered: fc.nat(4),
    done: fc.array(fc.nat(20), { maxLength: 4 }),
    reject: fc.boolean(),
  });
  const property = fc.asyncProperty(fc.array(step, { maxLength: 15 }), async (steps) => {
    const kept = book();
    const acknowledger = new Acknowledger(kept.channel);
    const mine = new Set<number>();
    let tag = 0;
    for (const { delivered, done, reject } of steps) {
      for (let count = 0; count < delivered; count += 1) {
        tag += 1;
        kept.open.add(tag);
        mine.add(tag);
        acknowledger.delivered(tag);
      }
      for (const choice of done) {
        const chosen = [...mine][choice % Math.max(1, mine.size)];
        if (chosen === undefined) continue;
        mine.delete(chosen);
        if (reject) acknowledger.reject(chosen);
        else acknowledger.ack(chosen);
      }
      await new Promise((resolve) => setImmediate(resolve));
      expect(kept.open).toEqual(mine);
    }
  });
  await fc.assert(property, { numRuns: 200 });
});

test('an unbroken run from the oldest on is one frame; one that is still under way holds none of the others up', () => {
  const kept = book();
  const acknowledger = new Acknowledger(kept.channel);
  for (const tag of [1, 2, 3, 4, 5, 6]) {
    kept.open.add(tag);
    acknowledger.delivered(tag);
  }
  for (const tag of [3, 1, 2]) acknowledger.ack(tag);
  acknowledger.flush();
  expect([kept.frames, [...kept.open]]).toEqual([1, [4, 5, 6]]);
  acknowledger.ack(6);
  acknowledger.flush();
  expect([kept.frames, [...kept.open]]).toEqual([2, [4, 5]]);
});

test('on a channel that is gone it forgets: the messages are back in their queue', () => {
  const gone = (): never => {
    throw new Error('channel closed');
  };
  const acknowledger = new Acknowledger({ ack: gone, reject: gone } as unknown as Channel);
  acknowledger.delivered(1);
  acknowledger.ack(1);
  expect(() => {
    acknowledger.flush();
  }).not.toThrow();
});
