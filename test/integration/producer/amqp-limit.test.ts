import { afterAll, beforeAll, afterEach, expect, test } from 'vitest';
import { HELLO, RequestsFleet } from '../../support/requests-fleet.ts';

const PER_SECOND = 10;

let fleet: RequestsFleet;

beforeAll(async () => {
  fleet = await RequestsFleet.start({ AMQP_REQUESTS_PER_SECOND: String(PER_SECOND) });
});
afterEach(() => fleet.clear());
afterAll(() => fleet.stop());

/** Milliseconds between the first and the last of so many; those between have the type that is given. */
async function takenWithin(name: string, between: number, type: string): Promise<number> {
  const message = (n: number, one: object) => ({ message_id: `${name}-${n}`, request: { ...HELLO, ...one } });
  const others = Array.from({ length: between }, (_, n) => message(n + 1, { type }));
  await fleet.handOver(message(0, {}), ...others, message(between + 1, {}));
  const [first, last] = await Promise.all(
    [0, between + 1].map((n) => fleet.untilStored(`${name}-${n}`, 20_000)),
  );
  return (last?.created_at.getTime() ?? 0) - (first?.created_at.getTime() ?? 0);
}

/** A second's worth is taken at once; a timer may be early by a little. */
const atLeastMs = (count: number): number => ((count - PER_SECOND) / PER_SECOND) * 1_000 - 100;

test('a sender hands over a second’s worth at once and then no more than it may; all of it is taken', async () => {
  expect(await takenWithin('valid', 28, 'in_app')).toBeGreaterThanOrEqual(atLeastMs(30));
  expect(await fleet.notifications.countDocuments()).toBe(30);
});

test('what is invalid counts as well, so that nobody has the parking queue flooded', async () => {
  // The bucket is full again, or nearly so: what is missing makes it slower, not faster.
  expect(await takenWithin('invalid', 38, 'fax')).toBeGreaterThanOrEqual(atLeastMs(40));
  expect(await fleet.untilParked(38)).toHaveLength(38);
}, 30_000);
