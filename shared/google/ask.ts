import http from 'node:http';
import https from 'node:https';
import { text } from 'node:stream/consumers';
import { retryAfterSecondsOf } from '../runtime/retry-after.ts';
import { whenOpen } from '../runtime/when-open.ts';
import { Impatient, NoAnswer, onAbort, timeUp, type Time } from './time.ts';

/** An answer, of whatever status. */
export interface Answer {
  status: number;
  /** Seconds that Retry-After asked for. */
  retryAfterSeconds: number | undefined;
  /** The fields of its JSON; none when it is something else. */
  fields: Record<string, unknown>;
  /** Its body, as it came. */
  body?: string;
}

/** What is asked. */
export interface Question {
  url: URL;
  headers: Record<string, string>;
  body: string;
  /** Keeps connections, and says how many there may be. */
  agent: http.Agent;
  time: Time;
  /** How long it may wait for a connection of the agent while all are in use, in milliseconds; for ever when not given. */
  placeWithinMs?: number;
}

/** All connections of the agent stayed in use: nothing was asked. */
export class NoPlace extends Error {
  override readonly name = 'NoPlace';
}

/** An agent of at most so many connections, which are kept for the next question. */
export function agentFor({ protocol }: URL, connections: number): http.Agent {
  const { Agent } = protocol === 'https:' ? https : http;
  return new Agent({ keepAlive: true, maxSockets: connections, timeout: IDLE_MS });
}

/** A connection that was idle for so long may just be closed by the other side: a question sent into it would be of unknown outcome. Milliseconds. */
const IDLE_MS = 20_000;

/**
 * Posts once. Node's own fetch does not say whether a failed question was on its way, which makes the difference between trying again and a duplicate.
 * @throws NoAnswer, NoPlace.
 */
export function ask({ url, headers, body, agent, time, placeWithinMs }: Question): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let mayHaveArrived = false;
    const { request } = url.protocol === 'https:' ? https : http;
    const length = String(Buffer.byteLength(body));
    const asked = request(url, { method: 'POST', headers: { ...headers, 'content-length': length }, agent });
    const fail = (thrown: unknown): void => {
      clearTimeout(place);
      // One that still waits for its connection says nothing itself.
      asked.destroy();
      reject(thrown instanceof NoPlace ? thrown : new NoAnswer(thrown, mayHaveArrived));
    };
    const place =
      placeWithinMs === undefined ? undefined : setTimeout(fail, placeWithinMs, new NoPlace('no place'));
    asked.once('socket', (socket) => {
      clearTimeout(place);
      whenOpen(socket, () => {
        mayHaveArrived = true;
      });
    });
    asked.once('response', (response) => {
      answerOf(response).then(resolve, fail);
    });
    onAbort(time.signal, () => {
      fail(timeUp());
    });
    onAbort(time.patience, () => {
      if (!mayHaveArrived) fail(new Impatient());
    });
    asked.on('error', fail);
    asked.end(body);
  });
}

async function answerOf(response: http.IncomingMessage): Promise<Answer> {
  const body = await text(response);
  return {
    status: response.statusCode ?? 0,
    retryAfterSeconds: retryAfterSecondsOf(response.headers['retry-after']),
    fields: fieldsOf(body),
    body,
  };
}

function fieldsOf(body: string): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(body);
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
