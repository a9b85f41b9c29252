import type { Request, RequestHandler, Response } from 'express';
import {
  LAST_EVENT_ID,
  UPDATES_MISSED,
  fieldErrors,
  lastEventIdSchema,
  taskUpdateViewOf,
} from '../../../shared/contracts/index.ts';
import { bearerOf } from '../access/gate.ts';
import { reachOf } from '../access/identity.ts';
import { identityOf } from '../api/operation.ts';
import { Problem } from '../api/problem.ts';
import { HEARTBEAT, HEARTBEAT_MS, beginEventStream } from './event-stream.ts';
import { mayListen } from './listening.ts';
import type { TaskRoom } from './task-updates.ts';
import { TooSlow, relay, type Listener } from './task-relay.ts';

/** `GET /task_updates`: updates of tasks as server-sent events, from `Last-Event-ID` on. It comes behind the gate. */
export function streamTaskUpdates(context: { tasks: Pick<TaskRoom, 'listening'> }): RequestHandler {
  return async function streamUpdates(request, response): Promise<void> {
    const { gate, feed, streams, log } = context.tasks.listening;
    const from = placeIn(request);
    const identity = identityOf(response);
    const { actor } = identity;
    const address = gate.addressOf(request);
    const over = new AbortController();
    const end = (): void => {
      over.abort();
    };
    const stillMay = async () => mayListen(await gate.recognize(bearerOf(request) ?? '', address));
    const remove = streams.add({ kind: 'sse', actor, stillMay, end });
    response.once('close', end);
    // A client that left while its key was looked up has had its `close` already.
    if (response.destroyed) end();
    const heartbeat = setInterval(() => {
      if (!response.writableNeedDrain) response.write(HEARTBEAT);
    }, HEARTBEAT_MS);
    beginEventStream(response);
    try {
      // A HEAD request gets the head only.
      const options = { from, signal: over.signal, ...reachOf(identity, 'read') };
      if (request.method === 'GET') await relay(feed, listenerOf(response), options);
    } catch (thrown) {
      if (!(thrown instanceof TooSlow)) throw thrown;
      log.info('a stream is cut: its client does not read', { actor });
      response.destroy();
    } finally {
      clearInterval(heartbeat);
      remove();
      response.end();
    }
  };
}

/** Where a client stands, by the header that it sends when it comes back. */
function placeIn({ headers }: Request): number | undefined {
  const given = headers['last-event-id'];
  if (given === undefined || given === '') return undefined;
  const place = lastEventIdSchema.safeParse(given);
  if (place.success) return place.data;
  const errors = fieldErrors(place.error).map(({ message }) => ({ field: 'Last-Event-ID', message }));
  throw new Problem('validation_failed', { errors });
}

function listenerOf(response: Response): Listener {
  const send = (event: { type?: string; id?: number; data: object }): void => {
    response.write(
      [
        ...(event.type === undefined ? [] : [`event: ${event.type}`]),
        ...(event.id === undefined ? [] : [`id: ${event.id}`]),
        `data: ${JSON.stringify(event.data)}\n\n`,
      ].join('\n'),
    );
  };
  return {
    // With data, because some clients pass over an id alone.
    standAt: (id) => {
      send({ type: LAST_EVENT_ID, id, data: { id: String(id) } });
    },
    missed: (after, first) => {
      send({ type: UPDATES_MISSED, data: { after: String(after), first: String(first) } });
    },
    write: (updates) => {
      for (const update of updates) send({ id: update._id, data: taskUpdateViewOf(update) });
    },
    taken: () => drained(response),
  };
}

function drained(response: Response): Promise<void> {
  if (!response.writableNeedDrain) return Promise.resolve();
  return new Promise((resolve) => response.once('drain', resolve));
}
