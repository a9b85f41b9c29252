import { EventSource, type ErrorEvent } from 'eventsource';
import { Observable, Subject, filter, fromEvent, retry, throwError, timer, type Subscriber } from 'rxjs';
import { io, type Socket } from 'socket.io-client';

/** An update of a task. */
export interface TaskUpdate {
  id: string;
  task_id: string;
  msg: string;
  notification_id: string;
  at: string;
}

/** Updates that are no longer kept: all behind `after` and before `first`. */
export interface UpdatesMissed {
  after: string;
  first: string;
}

/** The producer does not let us listen: another token is needed, or other rights. */
export class Refused extends Error {
  override readonly name = 'Refused';
}

/** How long to wait before trying again where the client library itself gives up, in milliseconds. */
const AGAIN_AFTER_MS = 2_000;

/**
 * Updates of tasks for an Angular application: with `@Injectable({ providedIn: 'root' })` above it and the two settings by `inject()`, it is a
 * service. Both ways go on where they stood when a connection, or the producer behind it, is gone.
 */
export class TaskUpdatesService {
  /** Load the tasks anew when it says something: you were away for longer than updates are kept. */
  readonly missed = new Subject<UpdatesMissed>();
  readonly #address: string;
  readonly #token: () => Promise<string>;

  /** `token`: asked for with each connection. In a browser a short-lived one, which your own server gets; never a key. */
  constructor(address: string, token: () => Promise<string>) {
    this.#address = address;
    this.#token = token;
  }

  /** By Socket.IO. Straight by WebSocket: long-polling needs a load balancer that keeps a client with one producer. */
  bySocket(): Observable<TaskUpdate> {
    return new Observable<TaskUpdate>((subscriber) => {
      const socket = io(this.#address, {
        transports: ['websocket'],
        auth: (send) => {
          this.#token().then(
            (token) => {
              send({ token });
            },
            (error: unknown) => {
              subscriber.error(error);
            },
          );
        },
      });
      const place = new Place();
      const updates = fromEvent(socket, 'task_update') as Observable<TaskUpdate>;
      updates.pipe(filter((update) => place.isNew(update))).subscribe(subscriber);
      socket.on('last_event_id', (id: string) => {
        place.standAt(Number(id));
      });
      socket.on('updates_missed', (missed: UpdatesMissed) => {
        this.missed.next(missed);
      });
      // The token is over: with the next one it goes on.
      socket.on('disconnect', (reason) => {
        if (reason === 'io server disconnect') socket.connect();
      });
      socket.on('connect_error', (error: Error & { data?: { status?: number } }) => {
        if (socket.active) return;
        // Too many streams: one of them may end.
        if (error.data?.status === 429) connectLater(socket, subscriber);
        else subscriber.error(new Refused(error.message));
      });
      return () => socket.disconnect();
    });
  }

  /** By server-sent events: plain HTTP, one way. */
  byEventStream(): Observable<TaskUpdate> {
    let lastEventId = '';
    const stream = new Observable<TaskUpdate>((subscriber) => {
      const source = new EventSource(`${this.#address}/task_updates`, {
        // A browser's own EventSource sends no Authorization, and a key has no business in an address.
        fetch: async (url, init) => {
          const Authorization = `Bearer ${await this.#token()}`;
          const place = lastEventId === '' ? {} : { 'Last-Event-ID': lastEventId };
          return fetch(url, { ...init, headers: { ...place, ...init.headers, Authorization } });
        },
      });
      const note = (event: MessageEvent<string>): TaskUpdate => {
        lastEventId = event.lastEventId;
        return JSON.parse(event.data) as TaskUpdate;
      };
      source.addEventListener('last_event_id', note);
      source.addEventListener('updates_missed', (event: MessageEvent<string>) => {
        this.missed.next(JSON.parse(event.data) as UpdatesMissed);
      });
      source.onmessage = (event: MessageEvent<string>) => {
        subscriber.next(note(event));
      };
      source.onerror = (error) => {
        // It comes back from a cut by itself, and gives up on an answer.
        if (source.readyState === source.CLOSED) subscriber.error(error);
      };
      return () => {
        source.close();
      };
    });
    return stream.pipe(retry({ delay: passing }));
  }
}

/** Where a client of Socket.IO stands. */
class Place {
  #told = 0;
  #last = 0;

  /** The server says where it goes on. Less than it said before: it has another store, or an emptied one, and its numbers begin anew. */
  standAt(id: number): void {
    if (id < this.#told) this.#last = id;
    this.#told = id;
  }

  /** An update may come twice where a connection is cut in the middle; its number grows. */
  isNew({ id }: TaskUpdate): boolean {
    const isFirstTime = Number(id) > this.#last;
    if (isFirstTime) this.#last = Number(id);
    return isFirstTime;
  }
}

/** The library does not connect again by itself after an answer. */
function connectLater(socket: Socket, subscriber: Subscriber<TaskUpdate>): void {
  setTimeout(() => {
    if (!subscriber.closed) socket.connect();
  }, AGAIN_AFTER_MS);
}

/** 401, 403 and the like stay as they are; all else may pass, such as the 502 of a proxy whose producer restarts. */
function passing({ code = 500, message = '' }: ErrorEvent): Observable<unknown> {
  const isFinal = code >= 400 && code < 500 && code !== 429;
  return isFinal ? throwError(() => new Refused(message)) : timer(AGAIN_AFTER_MS);
}
