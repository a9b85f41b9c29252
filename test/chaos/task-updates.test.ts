import { afterEach, beforeEach, expect, test } from 'vitest';
import { freePort } from '../../infra/local/ports.ts';
import { callApi } from '../support/fleet.ts';
import { prepareInterruptibleFleet, type InterruptibleFleet } from '../support/interruptible-fleet.ts';
import { exampleService, listenTo, plainSocketListener, type TaskListener } from '../support/listeners.ts';
import { until } from '../support/until.ts';

let fleet: InterruptibleFleet;

beforeEach(async () => {
  fleet = await prepareInterruptibleFleet();
});
afterEach(async () => {
  await fleet.stop();
});

const idsOf = ({ heard }: TaskListener): number[] => heard.map(({ id }) => Number(id));

test('killed in the middle of its streams, a producer’s clients come back and miss nothing; each update’s mail is sent', async () => {
  const otherPort = await freePort();
  const [killed] = await Promise.all([
    fleet.start('producer'),
    fleet.start('producer', { PORT: String(otherPort) }),
    fleet.start('email'),
  ]);
  const address = `http://127.0.0.1:${fleet.producerPort}`;
  const service = exampleService(address);
  const plain = await plainSocketListener(address);
  const exact = [listenTo(service.bySocket()), listenTo(service.byEventStream())];
  const listeners = [plain, ...exact];
  let count = 0;
  const locations: string[] = [];
  /** By the other producer, all the time. */
  const update = async (): Promise<void> => {
    const body = { task_id: String((count += 1)), user_email: 'test@example.com' };
    const answer = await callApi(`http://127.0.0.1:${otherPort}`, 'POST', '/update_task', body);
    expect(answer.status).toBe(200);
    locations.push(answer.headers.get('location') ?? '');
  };
  const updateUntil = (isSo: () => boolean): Promise<true> =>
    until(async () => {
      await update();
      return isSo();
    }, 60_000);

  await updateUntil(() => listeners.every(({ heard }) => heard.length >= 10));
  await killed.kill();
  const atKill = count;
  await updateUntil(() => count >= atKill + 30);
  const heardWhileAway = listeners.map(({ heard }) => heard.length);
  await fleet.start('producer');
  await updateUntil(() => listeners.every(({ heard }, index) => heard.length > (heardWhileAway[index] ?? 0)));
  await until(() => listeners.every((listener) => idsOf(listener).at(-1) === count), 30_000);

  for (const listener of exact) {
    const first = idsOf(listener)[0] ?? 0;
    expect(idsOf(listener)).toEqual(Array.from({ length: count - first + 1 }, (_, index) => first + index));
  }
  // The plain one does not look at numbers: what was under way at the kill may come twice, and nothing is missing.
  const plainIds = [...new Set(idsOf(plain))];
  const [first = 0] = plainIds;
  expect(plainIds).toEqual(Array.from({ length: count - first + 1 }, (_, index) => first + index));
  for (const { stop } of listeners) stop();
  const ids = locations.map((location) => location.split('/').at(-1) ?? '');
  await until(() => ids.every((id) => fleet.mailsOf(id) === 1), 60_000);
});
