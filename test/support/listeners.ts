import { fromEvent, type Observable } from 'rxjs';
import { io, type Socket } from 'socket.io-client';
import {
  TaskUpdatesService,
  type TaskUpdate,
} from '../../docs/examples/task-updates/task-updates.service.ts';
import { API_KEY } from './fleet.ts';
import { until } from './until.ts';

/** Somebody who listens to updates of tasks, and what they have heard, in order. */
export interface TaskListener {
  heard: TaskUpdate[];
  /** Set once the stream has ended with an error. */
  error?: Error;
  stop: () => void;
}

/** Listens by an observable. */
export function listenTo(updates: Observable<TaskUpdate>, stop = (): void => undefined): TaskListener {
  const listener: TaskListener = { heard: [], stop };
  const subscription = updates.subscribe({
    next: (update) => listener.heard.push(update),
    error: (error: Error) => (listener.error = error),
  });
  listener.stop = () => {
    subscription.unsubscribe();
    stop();
  };
  return listener;
}

/** The service of the example, with a key. */
export function exampleService(address: string, key = API_KEY): TaskUpdatesService {
  return new TaskUpdatesService(address, () => Promise.resolve(key));
}

/** Listens as a plain Angular component does: `io`, `fromEvent`, and nothing else but the key. Resolves when it is connected. */
export async function plainSocketListener(address: string): Promise<TaskListener & { socket: Socket }> {
  const socket = io(address, { auth: { token: API_KEY } });
  const updates = fromEvent(socket, 'task_update') as Observable<TaskUpdate>;
  const listener = listenTo(updates, () => socket.disconnect());
  // The server has said where it begins.
  let isPlaced = false;
  socket.once('last_event_id', () => (isPlaced = true));
  await until(() => isPlaced);
  return Object.assign(listener, { socket });
}

/** An open answer of server-sent events, read as text. */
export interface RawStream {
  status: number;
  headers: Headers;
  text: () => string;
  isOver: () => boolean;
  stop: () => void;
}

/** Opens the stream of updates without any client of events. */
export async function openRawStream(
  address: string,
  headers: Record<string, string> = {},
  method = 'GET',
): Promise<RawStream> {
  const over = new AbortController();
  const response = await fetch(`${address}/task_updates`, {
    method,
    headers: { authorization: `Bearer ${API_KEY}`, ...headers },
    signal: over.signal,
  });
  const stream = { text: '', isOver: false };
  const decoder = new TextDecoder();
  void (async () => {
    try {
      // What is read of a web stream is not typed as iterable everywhere.
      const pieces = response.body as unknown as AsyncIterable<Uint8Array> | null;
      for await (const piece of pieces ?? []) stream.text += decoder.decode(piece, { stream: true });
    } catch {
      // Cut, by us or by the other end.
    }
    stream.isOver = true;
  })();
  return {
    status: response.status,
    headers: response.headers,
    text: () => stream.text,
    isOver: () => stream.isOver,
    stop: () => {
      over.abort();
    },
  };
}
