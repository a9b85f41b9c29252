import type { Identity } from '../access/identity.ts';
import { refusalOf } from '../access/identity.ts';
import type { Gate } from '../access/gate.ts';
import type { Logger } from '../../../shared/runtime/logger.ts';
import type { Streams } from './streams.ts';
import type { TaskFeed } from './task-feed.ts';

/** The scopes that listening needs. As with notifications, whoever has not `read:all` hears of its own updates only. */
export const LISTENING = { needs: ['read'] } as const;

/** What every way of listening works with. */
export interface Listening {
  gate: Gate;
  feed: TaskFeed;
  streams: Streams;
  log: Logger;
}

/** Whether somebody who was let in may still listen. */
export function mayListen(identity: Identity | undefined): boolean {
  return identity !== undefined && refusalOf(identity, LISTENING) === undefined;
}
