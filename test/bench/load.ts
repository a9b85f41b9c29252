import autocannon from 'autocannon';
import { Agent, request } from 'node:http';
import { pause } from '../../shared/runtime/backoff.ts';
import { toError } from '../../shared/runtime/errors.ts';
import type { BenchFleet } from './fleet.ts';

/** What a load came to. */
export interface Accepted {
  perSecond: number;
  count: number;
  /** Milliseconds, as the client sees them. */
  p50: number;
  p99: number;
}

/** A load on one address. */
export interface Load {
  url: string;
  headers?: Record<string, string>;
  connections: number;
  seconds: number;
  /** A body each; called for every request. */
  body: () => string;
}

/** Sends the load from this process. @throws when anything but 202 is answered. */
export async function send({ url, headers, connections, seconds, body }: Load): Promise<Accepted> {
  const result = await autocannon({
    url,
    method: 'POST',
    connections,
    headers: { 'content-type': 'application/json', ...headers },
    requests: [{ setupRequest: (request) => ({ ...request, body: body() }) }],
    duration: seconds,
  });
  const { latency, requests, duration } = result;
  if (result.non2xx > 0 || result.errors > 0)
    throw new Error(`${url}: ${result.non2xx} were not 202, ${result.errors} had no answer`);
  return {
    perSecond: requests.total / duration,
    count: requests.total,
    p50: latency.p50,
    p99: latency.p99,
  };
}

/** Sends one request after the other at even times, whether those before were answered or not. @throws when anything but 202 is answered. */
export async function sendEvenly({
  url,
  headers = {},
  connections,
  seconds,
  body,
  perSecond,
}: Load & { perSecond: number }): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const startedAt = performance.now();
  const answers: Promise<unknown>[] = [];
  while (performance.now() - startedAt < seconds * 1_000) {
    const due = ((performance.now() - startedAt) / 1_000) * perSecond;
    while (answers.length < due) answers.push(post(url, { agent, headers, body: body() }).catch(toError));
    await pause(1);
  }
  const failed = (await Promise.all(answers)).find((answer) => answer instanceof Error);
  agent.destroy();
  if (failed) throw failed;
}

/** One request. @throws when anything but 202 is answered. */
export function post(
  url: string,
  { agent, headers, body }: { agent: Agent; headers: Record<string, string>; body: string },
): Promise<void> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST', agent, headers }, (response) => {
      if (response.statusCode !== 202) reject(new Error(`${url} answered ${response.statusCode}`));
      response.resume().once('end', resolve);
    });
    sent.once('error', reject).end(body);
  });
}

/** Notifications of each channel, as the benchmarks send them. */
export const BODIES = {
  in_app: () => ({ user_id: someone(), type: 'in_app', message: 'Your order has been shipped.' }),
  sms: () => ({ user_id: someone(), type: 'sms', phone: '+12025550123', message: 'Your code is 123456.' }),
  email: () => ({
    user_id: someone(),
    type: 'email',
    email: 'someone@example.org',
    subject: `Your order t=${Date.now()}`,
    message: 'Your order has been shipped.',
  }),
} as const;

/** A channel that is measured. */
export type BenchChannel = keyof typeof BODIES;

function someone(): string {
  return `user-${Math.floor(Math.random() * 1_000)}`;
}

/** Notifications of one request to the batch endpoint. */
const BATCH = 1_000;

/** Hands over so many through the batch endpoint; answers how long that took, in milliseconds. */
export async function fill(
  { address, headers }: BenchFleet,
  count: number,
  make: () => object,
): Promise<number> {
  const startedAt = performance.now();
  let left = count;
  const worker = async (): Promise<void> => {
    while (left > 0) {
      const size = Math.min(BATCH, left);
      left -= size;
      const body = JSON.stringify({ notifications: Array.from({ length: size }, make) });
      const response = await fetch(`${address}/v1/notifications/batch`, { method: 'POST', headers, body });
      const { accepted } = (await response.json()) as { accepted: unknown[] };
      if (accepted.length !== size) throw new Error(`${size - accepted.length} of a batch were not accepted`);
    }
  };
  await Promise.all([worker(), worker()]);
  return performance.now() - startedAt;
}
