import { randomUUID } from 'node:crypto';
import type { Db } from 'mongodb';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import type { Notification, Status } from '../../shared/contracts/index.ts';
import {
  claimNotifications,
  ensureIndexes,
  notificationsOf,
  openStore,
  type Notifications,
  type Result,
  type Store,
} from '../../shared/store/index.ts';
import { aRecord } from './records.ts';
import { createTestServers, type TestServers } from './servers.ts';

/** The real store of one test file: a database of its own with all indexes, without records at the beginning of each test. */
export class TestStore {
  #servers: TestServers | undefined;
  #store: Store | undefined;

  constructor() {
    beforeAll(async () => {
      this.#servers = await createTestServers();
      this.#store = openStore(this.#servers.mongoUri, 'test');
      await ensureIndexes(this.db);
    });
    beforeEach(async () => {
      await this.notifications.deleteMany({});
    });
    afterAll(async () => {
      await this.#store?.stop();
      await this.#servers?.drop();
    });
  }

  get db(): Db {
    if (!this.#store) throw new Error('the store of a test is there from beforeAll on');
    return this.#store.db;
  }

  get notifications(): Notifications {
    return notificationsOf(this.db);
  }

  /** Stores a record; answers its id. */
  async add(more: Partial<Notification> = {}): Promise<string> {
    const record = aRecord(more);
    await this.notifications.insertOne(record);
    return record._id;
  }

  /** Claims as a consumer does, with a token of its own. */
  claim(ids: string[], leaseMs = 60_000): Promise<Notification[]> {
    return claimNotifications(this.notifications, ids, { token: randomUUID(), actor: 'test', leaseMs });
  }

  /** A record that is there. */
  async get(id: string): Promise<Notification> {
    const record = await this.notifications.findOne({ _id: id });
    if (!record) throw new Error(`there is no record ${id}`);
    return record;
  }

  /** The status of a record that is there. */
  async statusOf(id: string): Promise<Status | undefined> {
    return (await this.notifications.findOne({ _id: id }))?.status;
  }
}

/** All items that come in batches. */
export async function all<T>(batches: AsyncIterable<T[]>): Promise<T[]> {
  const items: T[] = [];
  for await (const batch of batches) items.push(...batch);
  return items;
}

/** The result of a first attempt that went well. */
export function sentResult(id: string, fence: number): Result {
  return { id, fence, status: 'sent', change: { actor: 'test', attempt: 1 } };
}
