import type { ChannelModel } from 'amqplib';
import { MongoClient, type Collection } from 'mongodb';
import { connectTo, topologyOf } from '../../shared/broker/index.ts';
import { rabbitmqUrlOf, type RabbitmqNodeUrl } from '../../shared/runtime/rabbitmq-url.ts';
import type { Notification } from '../../shared/contracts/index.ts';
import { pause } from '../../shared/runtime/backoff.ts';
import { SECOND } from '../../shared/runtime/duration.ts';
import type { Mail, Text } from '../local/sandbox/mailbox.ts';
import type { Sandbox } from '../local/sandbox/sandbox.ts';
import type { Client } from './client.ts';
import type { Depths, Handover, StoredRecord } from './history.ts';

/** States in which something must still happen by itself. */
const MOVING = ['scheduled', 'pending', 'held', 'failed', 'sending'] as const;
/** Entries of one page of a person's list. */
const PAGE = 100;

/** Writes down what the providers take, as they take it. */
export function watchProviders(sandbox: Sandbox): Handover[] {
  const seen: Handover[] = [];
  sandbox.mailbox.on('arrived', (item) => seen.push(handoverOf(item)));
  return seen;
}

function handoverOf(item: Mail | Text): Handover {
  if (item.kind === 'text') return { marker: item.body, channel: 'sms', at: item.received_at.getTime() };
  const head = item.raw.subarray(0, 4_096).toString('latin1');
  return {
    marker: /^Subject: (\S+)/m.exec(head)?.[1] ?? '',
    channel: 'email',
    at: item.received_at.getTime(),
    messageId: /^Message-ID: (\S+)/im.exec(head)?.[1] ?? '',
  };
}

/** What people find in their inbox, asked as they would ask. @throws when the API does not answer. */
export async function readInboxes(client: Client, people: readonly string[]): Promise<Handover[]> {
  const found: Handover[] = [];
  for (const person of people) {
    let cursor: string | null = null;
    do {
      const page = await readPage(client, person, cursor);
      for (const { message, sent_at } of page.notifications)
        if (sent_at) found.push({ marker: message, channel: 'in_app', at: Date.parse(sent_at) });
      cursor = page.next_cursor;
    } while (cursor !== null);
  }
  return found;
}

interface InboxPage {
  notifications: { message: string; sent_at?: string }[];
  next_cursor: string | null;
}

async function readPage(client: Client, person: string, cursor: string | null): Promise<InboxPage> {
  const query = new URLSearchParams({ limit: String(PAGE), ...(cursor !== null && { cursor }) });
  const reply = await client.get(`/v1/users/${person}/notifications?${query}`);
  if (reply.status !== 200) throw new Error(`the inbox of ${person} was answered ${reply.status}`);
  return (reply as { json: InboxPage }).json;
}

/** The store, looked at past the fleet. */
export class StoreWitness {
  readonly #client: MongoClient;
  readonly #records: Collection<Notification>;

  constructor(uri: string) {
    this.#client = new MongoClient(uri, { serverSelectionTimeoutMS: 30_000 });
    this.#records = this.#client.db().collection('notifications');
  }

  /** How many are not at rest, or not yet published. */
  async moving(): Promise<number> {
    const [moving, unpublished] = await Promise.all([
      this.#records.countDocuments({ status: { $in: [...MOVING] } }),
      this.#records.countDocuments({ unpublished: true }),
    ]);
    return moving + unpublished;
  }

  /** How many there are. */
  count(): Promise<number> {
    return this.#records.countDocuments();
  }

  /** How many are dead letters. */
  dead(): Promise<number> {
    return this.#records.countDocuments({ status: 'failed_permanently' });
  }

  /** Every record, without its content. */
  records(): Promise<StoredRecord[]> {
    const names = [
      ...['status', 'type', 'ambiguous_count', 'attempt', 'retry_count', 'idempotency_key', 'error'],
      ...['created_at', 'updated_at', 'sent_at'],
    ];
    const projection = Object.fromEntries(names.map((name) => [name, 1]));
    return this.#records.find({}, { projection }).toArray();
  }

  /** Drops what the run has stored. */
  async drop(): Promise<void> {
    await this.#client.db().dropDatabase();
    await this.#client.close();
  }
}

/** Messages that are ready in each queue of a virtual host, asked of the first node that answers. @throws when none does. */
export async function readDepths(urls: string, delays: readonly number[]): Promise<Depths> {
  const model = await connectToAny(rabbitmqUrlOf(urls).nodes);
  model.on('error', () => undefined);
  try {
    const channel = await model.createChannel();
    channel.on('error', () => undefined);
    const depths: Record<string, number> = {};
    for (const { name } of topologyOf(delays).queues)
      depths[name] = (await channel.checkQueue(name)).messageCount;
    return depths;
  } finally {
    await model.close().catch(() => undefined);
  }
}

async function connectToAny([node, ...others]: readonly [
  RabbitmqNodeUrl,
  ...RabbitmqNodeUrl[],
]): Promise<ChannelModel> {
  try {
    return await connectTo(node, { timeout: 10 * SECOND });
  } catch (thrown) {
    const [next, ...rest] = others;
    if (next === undefined) throw thrown;
    return connectToAny([next, ...rest]);
  }
}

/** Waits until something is so, looking twice a second; answers whether it came to be so within `ms`. Whoever cannot be asked is asked again. */
export async function cameTrue(look: () => Promise<boolean>, ms: number): Promise<boolean> {
  const deadline = Date.now() + ms;
  while (Date.now() < deadline) {
    if (await look().catch(() => false)) return true;
    await pause(SECOND / 2);
  }
  return false;
}
