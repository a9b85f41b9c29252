import type { IncomingMessage, Server as HttpServer } from 'node:http';
import { Server, type DefaultEventsMap, type ExtendedError } from 'socket.io';
import { Adapter } from 'socket.io-adapter';
import {
  LAST_EVENT_ID,
  TASK_UPDATE,
  UPDATES_MISSED,
  taskUpdateViewOf,
} from '../../../shared/contracts/index.ts';
import { PROBLEMS } from '../../../shared/contracts/index.ts';
import { pause } from '../../../shared/runtime/backoff.ts';
import type { Config } from '../../../shared/runtime/config.ts';
import { SECOND } from '../../../shared/runtime/duration.ts';
import { toError } from '../../../shared/runtime/errors.ts';
import { problemOf, viewOfProblem, type Problem } from '../api/problem.ts';
import { NO_HEAD, admitGuest, type Admitted, type Guest, type Heard, type TaskSocket } from './guest.ts';
import { mayListen, type Listening } from './listening.ts';
import { allowedOrigins, isFromAllowedOrigin } from './origins.ts';
import { TooManyStreams } from './streams.ts';
import { TooSlow, relay, type Listener } from './task-relay.ts';
import { passOtherUpgrades } from './upgrades.ts';

/** How long a connection may take to say who it is, in milliseconds. */
const CONNECT_WITHIN_MS = 10 * SECOND;
/** Bytes that a client may send at once: its token, and where it stands. */
const MAX_SENT_BYTES = 16 * 1024;
/** It is asked so often whether a client has taken what it was sent; milliseconds. */
const TAKEN_EVERY_MS = 10;

/** Socket.IO on the producer's own HTTP server: updates of tasks to whoever connects with a key or token. */
export class TaskSockets {
  readonly #listening: Listening;
  readonly #config: Pick<Config, 'ALLOWED_ORIGINS' | 'PUBLIC_URL'>;
  readonly #io: Server<DefaultEventsMap, Heard, DefaultEventsMap, Admitted>;
  #stopped = false;

  constructor(
    server: HttpServer,
    listening: Listening,
    config: Pick<Config, 'ALLOWED_ORIGINS' | 'PUBLIC_URL'>,
  ) {
    this.#listening = listening;
    this.#config = config;
    this.#io = new Server(server, {
      serveClient: false,
      connectTimeout: CONNECT_WITHIN_MS,
      maxHttpBufferSize: MAX_SENT_BYTES,
      cors: { origin: [...allowedOrigins(config)] },
      destroyUpgrade: false,
      allowRequest: (request, done) => {
        void this.#refusalOf(request).then((refusal) => {
          done(refusal, refusal === undefined);
        });
      },
      // Only so that clients remember where they stand, and say so when they come back. What they missed comes from the store, whichever
      // producer they come back to; so nothing is kept here, as the library's own adapter would. Who they are is asked each time.
      connectionStateRecovery: { skipMiddlewares: false },
      adapter: Adapter,
    });
    passOtherUpgrades(server, `${this.#io.path()}/`);
    this.#io.use((socket, next) => void this.#admit(socket).then(next));
    this.#io.on('connection', (socket) => void this.#serve(socket));
  }

  /** Cuts every connection; clients come back by themselves. */
  stop(): void {
    this.#stopped = true;
    this.#io.engine.close();
  }

  /** Why a connection is not even opened. */
  async #refusalOf(request: IncomingMessage): Promise<string | undefined> {
    if (this.#stopped) return 'this producer stops';
    if (!isFromAllowedOrigin(request, this.#config)) return 'this origin is not one of ALLOWED_ORIGINS';
    try {
      await this.#listening.gate.countAddress(request, NO_HEAD);
      return undefined;
    } catch (thrown) {
      return toError(thrown).message;
    }
  }

  /** Lets somebody in, or answers why not. */
  async #admit(socket: TaskSocket): Promise<ExtendedError | undefined> {
    try {
      const guest = await admitGuest(socket, this.#listening.gate);
      socket.data = { ...guest, over: this.#join(socket, guest) };
      return undefined;
    } catch (thrown) {
      return this.#refuse(socket, problemOf(thrown, this.#listening.log));
    }
  }

  /** Counts a connection among the streams; the answer aborts when it is over. @throws TooManyStreams */
  #join(socket: TaskSocket, { actor, token, address }: Guest): AbortSignal {
    const { gate, streams } = this.#listening;
    const over = new AbortController();
    const remove = streams.add({
      kind: 'socket_io',
      actor,
      stillMay: async () => mayListen(await gate.recognize(token, address)),
      end: (why) => {
        if (why === 'revoked') socket.disconnect(true);
        else socket.conn.close(true);
      },
    });
    const leave = (): void => {
      socket.conn.off('close', leave);
      remove();
      over.abort();
    };
    socket.once('disconnect', leave);
    // Who goes before it is let in is never said to disconnect, and may be gone already.
    socket.conn.once('close', leave);
    if (socket.conn.readyState === 'closed') leave();
    return over.signal;
  }

  #refuse({ conn }: TaskSocket, problem: Problem): ExtendedError {
    const { status, title } = PROBLEMS[problem.code];
    // Too many streams do not pass by themselves: their client is told, as by HTTP.
    if (problem instanceof TooManyStreams)
      this.#listening.log.info('a connection is refused', { detail: problem.message });
    // A client does not come back by itself from an answer, but from a cut: that is what passes by itself.
    else if (status === 429 || status >= 500) conn.close(true);
    return Object.assign(new Error(title), { data: viewOfProblem(problem) });
  }

  async #serve(socket: TaskSocket): Promise<void> {
    const { feed, log } = this.#listening;
    const { actor, caller, from, over } = socket.data;
    try {
      await relay(feed, listenerOf(socket), { from, signal: over, caller });
    } catch (thrown) {
      const isTooSlow = thrown instanceof TooSlow;
      if (isTooSlow) log.info('a connection is cut: its client does not read', { actor });
      else log.warn('a connection is cut', { actor, error: toError(thrown) });
      socket.conn.close(true);
    }
  }
}

function listenerOf(socket: TaskSocket): Listener {
  return {
    standAt: (id) => {
      socket.emit(LAST_EVENT_ID, String(id));
    },
    missed: (after, first) => {
      socket.emit(UPDATES_MISSED, { after: String(after), first: String(first) });
    },
    write: (updates) => {
      for (const update of updates) socket.emit(TASK_UPDATE, taskUpdateViewOf(update));
      // The library remembers the last argument of the last event, if it is a string, and gives it back when it reconnects.
      socket.emit(LAST_EVENT_ID, String(updates.at(-1)?._id));
    },
    taken: async () => {
      // By WebSocket: all of it is with the operating system. By polling: the client came back for more.
      while (socket.connected && !socket.conn.transport.writable) await pause(TAKEN_EVERY_MS);
    },
  };
}
