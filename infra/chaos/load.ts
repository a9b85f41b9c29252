import { pause } from '../../shared/runtime/backoff.ts';
import { SECOND } from '../../shared/runtime/duration.ts';
import { beforeTryingAgain, type Client, type Reply } from './client.ts';
import type { Wish } from './history.ts';
import { itemOf, type Item } from './items.ts';
import type { Random } from './random.ts';

/** What a load is. */
export interface LoadOptions {
  client: Client;
  random: Random;
  /** Begins every marker. */
  run: string;
  /** Notifications in all. */
  count: number;
  /** Notifications a second at most. */
  perSecond: number;
}

/** Clients at once. */
const WORKERS = 24;
/** Notifications of one batch request. */
const BATCH = 50;
/** A client that repeats gives up after so many tries, half a second apart. */
const MAX_TRIES = 120;

/**
 * Hands notifications over as applications do: over all three channels and both lanes, one by one and in batches, some scheduled, some
 * canceled at once, some to recipients that are refused. Clients repeat with the same key until they get an answer, one in ten does not.
 */
export async function runLoad({ client, random, run, count, perSecond }: LoadOptions): Promise<Wish[]> {
  const items = Array.from({ length: count }, (_, index) => itemOf(`${run}-${index}`, index, random));
  const startedAt = Date.now();
  let next = 0;
  const take = async (size: number): Promise<Item[]> => {
    const from = next;
    next += size;
    await pause(Math.max(0, startedAt + (from / perSecond) * SECOND - Date.now()));
    return items.slice(from, from + size);
  };
  const work = async (worker: number): Promise<void> => {
    // Every fourth client sends batches.
    const size = worker % 4 === 0 ? BATCH : 1;
    while (next < count) {
      const taken = await take(size);
      if (size > 1) await sendBatch(client, taken);
      else for (const item of taken) await sendOne(client, item);
    }
  };
  await Promise.all(Array.from({ length: WORKERS }, (_, worker) => work(worker)));
  return items.map(({ wish }) => wish);
}

async function sendOne(client: Client, item: Item): Promise<void> {
  const { wish, body, persistent } = item;
  for (let tries = 1; ; tries += 1) {
    const reply = await client.post('/v1/notifications', body, { 'idempotency-key': wish.marker });
    if (reply.status === 202) {
      accepted(wish, (reply as { json: { id: string } }).json.id);
      break;
    }
    if (mayHaveArrived(reply)) wish.unknown = true;
    if (tries >= MAX_TRIES) wish.givenUp = true;
    if (!persistent || wish.givenUp) return;
    await beforeTryingAgain();
  }
  if (item.toCancel) await cancel(client, wish);
}

async function sendBatch(client: Client, items: Item[]): Promise<void> {
  const notifications = items.map(({ wish, body }) => ({ ...body, idempotency_key: wish.marker }));
  for (let tries = 1; tries <= MAX_TRIES; tries += 1) {
    const reply = await client.post('/v1/notifications/batch', { notifications });
    if (reply.status === 202) {
      const { accepted: taken } = (reply as { json: { accepted: { index: number; id: string }[] } }).json;
      for (const { index, id } of taken) {
        const item = items[index];
        if (item) accepted(item.wish, id);
      }
      return;
    }
    if (mayHaveArrived(reply)) for (const { wish } of items) wish.unknown = true;
    await beforeTryingAgain();
  }
  for (const { wish } of items) wish.givenUp = true;
}

function accepted(wish: Wish, id: string): void {
  wish.id = id;
  wish.acceptedAt = Date.now();
  delete wish.unknown;
}

/** 503 means that it was not promised, and may have been stored all the same. */
function mayHaveArrived({ status }: Reply): boolean {
  return status === 'lost' || status === 503;
}

async function cancel(client: Client, wish: Wish): Promise<void> {
  const reply = await client.post(`/v1/notifications/${wish.id}/cancel`, {});
  wish.cancel = reply.status === 202 ? 'won' : reply.status === 409 ? 'too late' : 'unknown';
}
