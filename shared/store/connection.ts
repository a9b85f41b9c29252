import { MongoClient, type Db } from 'mongodb';
import { SECOND } from '../runtime/duration.ts';
import type { CheckResult } from '../runtime/health.ts';
import { bounded } from './bounded.ts';

/**
 * Bounds the silence of a server on any call, in milliseconds; a hanging one is given up after it. The driver's `timeoutMS`, which would
 * bound whole calls, has no effect since 7.8. Callers of the API get their answer earlier: the producer sets its own deadline.
 */
const SILENCE_TIMEOUT_MS = 10 * SECOND;
/** How long to look for a primary, in milliseconds. */
const SELECTION_TIMEOUT_MS = 2 * SECOND;

/** A process' way to MongoDB. */
export interface Store {
  client: MongoClient;
  db: Db;
  /** Whether the primary answers. */
  check(): Promise<CheckResult>;
  stop(): Promise<void>;
}

/** Makes the connection without waiting for it: MongoDB may be away at start. Writes are majority and journaled. */
export function openStore(uri: string, service: string): Store {
  const client = new MongoClient(uri, {
    appName: `tidings ${service}`,
    ignoreUndefined: true,
    socketTimeoutMS: SILENCE_TIMEOUT_MS,
    waitQueueTimeoutMS: SELECTION_TIMEOUT_MS,
    serverSelectionTimeoutMS: SELECTION_TIMEOUT_MS,
    connectTimeoutMS: SELECTION_TIMEOUT_MS,
    writeConcern: { w: 'majority', journal: true },
    readConcern: { level: 'majority' },
  });
  const db = bounded(client.db());
  return { client, db, check: () => ping(db), stop: () => client.close() };
}

async function ping(db: Db): Promise<CheckResult> {
  const hello = await db.command({ hello: 1 });
  return hello.isWritablePrimary === true ? { ok: true } : { ok: false, detail: 'MongoDB has no primary' };
}
