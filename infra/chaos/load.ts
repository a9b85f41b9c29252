import { pause } from '../../shared/runtime/backoff.ts';
import { SECOND } from '../../shared/runtime/duration.ts';
import { beforeTryingAgain, type Client, type Reply } from './client.ts';
import type { Wish } from './history.ts';
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
/** People with an inbox; each gets many. */
const PEOPLE = 40;

/** One wish with the body that says it. */
interface Item {
  wish: Wish;
  body: Record<string, unknown>;
  /** Whether it is canceled as soon as it is accepted. */
  toCancel: boolean;
  /** Whether its client repeats until it is answered, or leaves it at one try. */
  persistent: boolean;
}

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

function itemOf(marker: string, index: number, random: Random): Item {
  const kind = random.next();
  const persistent = random.next() >= 0.1;
  const toCancel = random.next() < 0.02;
  const lane = random.next() < 0.2 ? 'bulk' : 'transactional';
  const later = random.next() < 0.02;
  const common = { lane, ...(later && { send_at: new Date(Date.now() + 8 * SECOND).toISOString() }) };
  const wish: Wish = { marker, channel: 'in_app', recipient: 'fine' };
  if (kind < 0.4)
    return {
      wish,
      toCancel,
      persistent,
      body: {
        ...common,
        type: 'in_app',
        user_id: `${marker.split('-')[0]}-p${index % PEOPLE}`,
        message: marker,
      },
    };
  const luck = random.next();
  wish.recipient = luck < 0.02 ? 'refused' : luck < 0.05 ? 'flaky' : 'fine';
  if (kind < 0.7) {
    wish.channel = 'email';
    const local = { fine: 'ada', flaky: 'flaky', refused: 'bounce' }[wish.recipient];
    return {
      wish,
      toCancel,
      persistent,
      body: {
        ...common,
        type: 'email',
        user_id: 'u',
        email: `${local}+${index}@example.org`,
        subject: marker,
        message: 'Chaos',
      },
    };
  }
  wish.channel = 'sms';
  const own = `+1202555${String(1000 + (index % 9000))}`;
  const phone = { fine: own, flaky: '+15005550101', refused: '+15005550001' }[wish.recipient];
  return {
    wish,
    toCancel,
    persistent,
    body: { ...common, type: 'sms', user_id: 'u', phone, message: marker },
  };
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
    if (!persistent || tries >= MAX_TRIES) return;
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
