import { CHANNEL_NAMES } from '../contracts/index.ts';
import { INDEXES } from './indexes.ts';

/** What a service does in a collection, by MongoDB's names. */
type Action = 'find' | 'insert' | 'update' | 'remove' | 'changeStream' | 'createIndex' | 'dropIndex';

/** What a service does, by collection. */
type Rights = Readonly<Record<string, readonly Action[]>>;

/** A command that makes a role, as MongoDB takes it. */
export interface CreateRole {
  createRole: string;
  privileges: { resource: { db: string; collection: string }; actions: Action[] }[];
  roles: [];
}

/** Says every three seconds that it is there, and at its end that it goes. */
const BEATS: readonly Action[] = ['insert', 'update', 'remove'];

const PRODUCER: Rights = {
  notifications: ['find', 'insert', 'update'],
  quarantine: ['find', 'insert', 'update', 'remove'],
  books: ['find'],
  rates: ['find'],
  presences: ['find', ...BEATS],
  controls: ['find', 'insert', 'update', 'remove'],
  bulk_acts: ['find', 'insert', 'update'],
  accounts: ['find', 'insert', 'update'],
  sessions: ['find', 'insert', 'update', 'remove'],
  sign_in_links: ['find', 'insert', 'remove'],
  sign_in_attempts: ['find', 'insert', 'update', 'remove'],
  keys: ['find', 'insert', 'update'],
  refresh_tokens: ['find', 'insert', 'update', 'remove'],
  signing_keys: ['find', 'insert'],
  erasures: ['find', 'insert', 'update'],
  suppressions: ['find', 'insert', 'update', 'remove'],
  soft_bounces: ['find', 'insert', 'update', 'remove'],
  feedback: ['find', 'insert', 'update'],
  task_updates: ['find', 'insert'],
  // What was written there can be neither changed nor taken away.
  audit: ['find', 'insert'],
};

const CONSUMER: Rights = {
  notifications: ['find', 'update'],
  quarantine: ['find', 'insert', 'update'],
  controls: ['find'],
  presences: BEATS,
  recipient_limits: ['find', 'insert', 'update', 'remove'],
  suppressions: ['find', 'insert', 'update'],
  soft_bounces: ['find', 'insert', 'update', 'remove'],
};

const SCHEDULER: Rights = {
  notifications: ['find', 'update', 'remove', 'changeStream'],
  quarantine: ['find', 'insert', 'remove'],
  locks: ['insert', 'update', 'remove'],
  books: ['find', 'insert', 'update'],
  rates: ['insert', 'update'],
  presences: BEATS,
  bulk_acts: ['update'],
  erasures: ['find', 'update'],
  suppressions: ['insert', 'update'],
  soft_bounces: ['find', 'insert', 'update', 'remove'],
  feedback: ['find', 'insert', 'update', 'remove'],
  task_updates: ['find', 'remove'],
};

/** The role of each service in a database: what it does there, and nothing else. Tests run the fleet with them. */
export function rolesFor(db: string): CreateRole[] {
  return [
    roleOf(db, 'producer', withIndexes(PRODUCER)),
    ...CHANNEL_NAMES.map((channel) => roleOf(db, channel.replaceAll('_', '-'), CONSUMER)),
    roleOf(db, 'scheduler', withIndexes(SCHEDULER)),
  ];
}

/** Producer and scheduler create the indexes, of all collections, and drop former ones of the records. */
function withIndexes(rights: Rights): Rights {
  const all = Object.entries(INDEXES).filter(([, indexes]) => indexes.length > 0);
  const indexed = all.map(([name]): [string, Action[]] => [name, [...(rights[name] ?? []), 'createIndex']]);
  return {
    ...rights,
    ...Object.fromEntries(indexed),
    notifications: [...(rights.notifications ?? []), 'createIndex', 'dropIndex'],
  };
}

function roleOf(db: string, service: string, rights: Rights): CreateRole {
  const privileges = Object.entries(rights).map(([collection, actions]) => ({
    resource: { db, collection },
    actions: [...actions],
  }));
  return { createRole: `tidings-${service}`, privileges, roles: [] };
}
