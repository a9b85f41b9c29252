import type { DefaultEventsMap, Socket } from 'socket.io';
import { z } from 'zod';
import {
  fieldErrors,
  lastEventIdSchema,
  type LAST_EVENT_ID,
  type TASK_UPDATE,
  type TaskUpdateView,
  type UPDATES_MISSED,
} from '../../../shared/contracts/index.ts';
import type { Gate } from '../access/gate.ts';
import { reachOf } from '../access/identity.ts';
import { authorize } from '../api/operation.ts';
import { Problem } from '../api/problem.ts';
import { LISTENING } from './listening.ts';

/** A connection has no answer of its own in whose head something could be said. */
export const NO_HEAD = { setHeader: () => undefined };

/** What a client hears. */
export interface Heard {
  [TASK_UPDATE]: (update: TaskUpdateView) => void;
  [UPDATES_MISSED]: (missed: { after: string; first: string }) => void;
  [LAST_EVENT_ID]: (id: string) => void;
}

/** Who listens on a connection, and where it begins. */
export interface Guest {
  actor: string;
  /** Whose updates it hears of; undefined: everybody's. */
  caller: string | undefined;
  token: string;
  address: string;
  from: number | undefined;
}

/** A guest that has been let in; `over` aborts when it leaves. */
export interface Admitted extends Guest {
  over: AbortSignal;
}

/** A connection of Socket.IO. */
export type TaskSocket = Socket<DefaultEventsMap, Heard, DefaultEventsMap, Admitted>;

const place = lastEventIdSchema.optional();
/** What a client sends when it connects. `offset` is what the library itself sends when it reconnects: the last event's one argument. */
const authSchema = z.object({
  token: z
    .string({ error: 'is required: a key or token' })
    .regex(/^[\x21-\x7e]+$/, { error: 'must be printable characters without spaces' }),
  last_event_id: place,
  offset: place,
});

/** Lets a connection in. @throws Problem, or what the store throws. */
export async function admitGuest(socket: TaskSocket, gate: Gate): Promise<Guest> {
  const { token, last_event_id = -1, offset = -1 } = authOf(socket);
  const identity = await gate.admitBearer(token, socket.request, NO_HEAD);
  authorize(LISTENING, identity);
  // A client may give where it stood once and for all, and the library where it stands now.
  const at = Math.max(last_event_id, offset);
  const address = gate.addressOf(socket.request);
  const { caller } = reachOf(identity, 'read');
  return { actor: identity.actor, caller, token, address, from: at < 0 ? undefined : at };
}

function authOf({ handshake }: TaskSocket): z.output<typeof authSchema> {
  const auth = authSchema.safeParse(handshake.auth);
  if (auth.success) return auth.data;
  const errors = fieldErrors(auth.error).map(({ field, message }) => ({ field: `auth.${field}`, message }));
  const isNameless = errors.some(({ field }) => field === 'auth.token');
  throw new Problem(isNameless ? 'unauthorized' : 'validation_failed', { errors });
}
