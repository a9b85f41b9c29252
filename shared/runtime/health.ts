import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { closing } from './closing.ts';
import { withDeadline } from './deadline.ts';
import { SECOND } from './duration.ts';
import { toError } from './errors.ts';

/** What one check found: fine, or why not in words. */
export type CheckResult = { ok: true; detail?: string } | { ok: false; detail: string };

/** Looks at one thing that the process needs in order to make progress. */
export type Check = () => CheckResult | Promise<CheckResult>;

/** What /readyz answers. */
export interface Readiness {
  status: 'ok' | 'degraded' | 'unavailable';
  checks: Record<string, CheckResult>;
}

/** Runs every check; a check that throws counts as failed. `tolerated` names those whose failure only degrades. */
export async function readiness(
  checks: Readonly<Record<string, Check>>,
  tolerated: readonly string[] = [],
): Promise<Readiness> {
  const results = await Promise.all(
    Object.entries(checks).map(async ([name, check]) => [name, await runCheck(check)] as const),
  );
  const failed = results.filter(([, result]) => !result.ok).map(([name]) => name);
  const fatal = failed.some((name) => !tolerated.includes(name));
  const status = fatal ? 'unavailable' : failed.length > 0 ? 'degraded' : 'ok';
  return { status, checks: Object.fromEntries(results) };
}

/** How long one check may take, in milliseconds: longer than a driver takes to find that its server is away. */
const CHECK_WITHIN_MS = 5 * SECOND;

async function runCheck(check: Check): Promise<CheckResult> {
  const late = (): Error => new Error(`no answer within ${CHECK_WITHIN_MS / SECOND} s`);
  try {
    return await withDeadline(Promise.resolve(check()), CHECK_WITHIN_MS, late);
  } catch (thrown) {
    return { ok: false, detail: toError(thrown).message };
  }
}

/** How long an answer serves further probes, in milliseconds. */
const ANSWER_HOLDS_MS = SECOND;

/**
 * Runs the checks for many callers: one run at a time, whose answer serves everyone who asks during it and for a second after it. A flood of
 * probes, which need no key, so costs MongoDB and RabbitMQ one check a second.
 */
export function sharedReadiness(
  checks: Readonly<Record<string, Check>>,
  tolerated: readonly string[] = [],
): () => Promise<Readiness> {
  let answer: Promise<Readiness> | undefined;
  let holdsUntil = Infinity;
  return () => {
    if (answer && performance.now() < holdsUntil) return answer;
    holdsUntil = Infinity;
    answer = readiness(checks, tolerated).finally(() => {
      holdsUntil = performance.now() + ANSWER_HOLDS_MS;
    });
    return answer;
  };
}

/** Probes of a process that serves nothing else. */
export interface HealthServer {
  port: number;
  stop(): Promise<void>;
}

/**
 * Serves /healthz (the process answers) and /readyz (it makes progress) on a port of its own. `tolerated` names checks whose failure only
 * degrades.
 * @throws when the port is taken.
 */
export async function startHealthServer(
  options: { host: string; port: number },
  checks: Readonly<Record<string, Check>>,
  tolerated: readonly string[] = [],
): Promise<HealthServer> {
  const look = sharedReadiness(checks, tolerated);
  const server = createServer((request, response) => {
    void answer(request.url, look).then(([status, body]) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
  });
  const close = closing(server);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
  return { port: (server.address() as AddressInfo).port, stop: close };
}

async function answer(url: string | undefined, look: () => Promise<Readiness>): Promise<[number, object]> {
  if (url === '/healthz') return [200, { status: 'ok' }];
  if (url !== '/readyz') return [404, { status: 'not found' }];
  const ready = await look();
  return [ready.status === 'unavailable' ? 503 : 200, ready];
}
