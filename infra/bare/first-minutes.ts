import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { pause } from '../../shared/runtime/backoff.ts';
import { MINUTE, SECOND } from '../../shared/runtime/duration.ts';
import type { BareRoot } from './bare-root.ts';
import { curlRequestOf } from './curl-request.ts';

/** A first start fetches packages and servers. Milliseconds. */
const READY_WITHIN_MS = 15 * MINUTE;
const SENT_WITHIN_MS = 30 * SECOND;
/** All of `npm start` stops within 10 s. Milliseconds. */
const STOPPED_WITHIN_MS = 15 * SECOND;

const fleetFile = z.object({ address: z.url(), apiKey: z.string() });

/** What a person does first: starts, sends the notification of the README, sees that it was sent, and stops. @throws Error that says what went wrong */
export async function tryFirstMinutes(root: BareRoot, say: (words: string) => void): Promise<void> {
  // Any free port, for the network is shared with this machine.
  const started = root.start('npm start', { PORT: '0' });
  const ended = endOf(started);
  const output = shown(started, say);
  await waitFor(() => output().includes('Tidings is ready'), READY_WITHIN_MS, {
    what: 'npm start is not ready',
    unless: () => ended.code !== undefined,
  });
  await sendReadmeRequest(root, say);
  started.kill('SIGTERM');
  await waitFor(() => ended.code !== undefined, STOPPED_WITHIN_MS, { what: 'npm start did not stop' });
  if (ended.code !== 0) throw new Error(`npm start ended with code ${String(ended.code)}`);
  const left = root.processes();
  if (left.length > 0) throw new Error(`npm start left processes behind: ${left.join(', ')}`);
  say('· stopped, and nothing is left behind');
}

/** Runs the tests inside, all of them or those that are named; answers the exit code. */
export async function runTests(
  root: BareRoot,
  tests: readonly string[],
  { withinMs, say }: { withinMs: number; say: (words: string) => void },
): Promise<number> {
  const words = tests.map((one) => `'${one.replaceAll("'", `'\\''`)}'`);
  const testing = root.start(['npm test', ...(words.length > 0 ? ['--', ...words] : [])].join(' '));
  const ended = endOf(testing);
  shown(testing, say);
  await waitFor(() => ended.code !== undefined, withinMs, { what: 'npm test did not end' });
  return ended.code ?? 1;
}

async function sendReadmeRequest(root: BareRoot, say: (words: string) => void): Promise<void> {
  const { address, apiKey } = fleetFile.parse(
    JSON.parse(readFileSync(join(root.clone, '.data/fleet.json'), 'utf8')),
  );
  const readme = readFileSync(join(root.clone, 'README.md'), 'utf8');
  const [, command = ''] = /```\n(curl [^`]+\/v1\/notifications [^`]+)\n```/.exec(readme) ?? [];
  const here = command.replace('localhost:3000', address).replace('<API key>', apiKey);
  const { url, ...request } = curlRequestOf(here);
  const response = await fetch(url, request);
  const { id } = z.object({ id: z.string() }).parse(await response.json());
  if (response.status !== 202) throw new Error(`the README's notification was answered ${response.status}`);
  const headers = { authorization: `Bearer ${apiKey}` };
  const isSent = async (): Promise<boolean> => {
    const answer = await fetch(`${address}/v1/notifications/${id}`, { headers });
    return z.object({ status: z.string() }).parse(await answer.json()).status === 'sent';
  };
  await waitFor(isSent, SENT_WITHIN_MS, { what: `the README's notification ${id} was not sent` });
  say(`· the README's notification ${id} was sent`);
}

/** Waits until something is true. @throws Error after `withinMs`, or when `unless` is */
async function waitFor(
  isTrue: () => boolean | Promise<boolean>,
  withinMs: number,
  { what, unless = () => false }: { what: string; unless?: () => boolean },
): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!(await isTrue())) {
    if (unless()) throw new Error(`${what}: it ended`);
    if (Date.now() > deadline) throw new Error(`${what} within ${withinMs / SECOND} s`);
    await pause(200);
  }
}

function endOf(child: ChildProcess): { code: number | null | undefined } {
  const ended: { code: number | null | undefined } = { code: undefined };
  child.once('error', () => (ended.code = 127)).once('close', (code) => (ended.code = code));
  return ended;
}

/** Passes on what a command prints; answers all of it so far. */
function shown({ stdout, stderr }: ChildProcess, say: (words: string) => void): () => string {
  let text = '';
  for (const stream of [stdout, stderr])
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      say(chunk.replace(/\n$/, '').replace(/^/gm, '  | '));
    });
  return () => text;
}
