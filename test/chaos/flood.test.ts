import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { Agent, request } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pause } from '../../shared/runtime/backoff.ts';
import { startLocalFleet, type LocalFleet } from '../support/local-fleet.ts';

/** The fleet as `npm start` runs it; whoever floods it is a process of its own. */
let fleet: LocalFleet;
/** Requests of the key that is watched, a second and in each round: a hundredth of them is more than one. */
const [PER_SECOND, COUNT, ROUNDS] = [40, 200, 5];
/** Connections of the key that floods, each with the next request as soon as the last one is answered. */
const FLOODS = 100;

beforeAll(async () => {
  fleet = await startLocalFleet();
});
afterAll(async () => {
  await fleet.stop();
});

const makeKey = async (name: string) => {
  const { json } = await fleet.call('POST', '/v1/keys', { name, scopes: ['send'] });
  return String(json.key);
};
const body = JSON.stringify({ user_id: 'u1', type: 'in_app', message: 'Hello' });
const headersOf = (key: string) => ({ authorization: `Bearer ${key}`, 'content-type': 'application/json' });

/** Sends at even times; answers how long each took, in milliseconds. */
async function latencies(key: string): Promise<number[]> {
  const agent = new Agent({ keepAlive: true });
  const one = () =>
    new Promise<number>((resolve, reject) => {
      const sentAt = performance.now();
      const options = { method: 'POST', agent, headers: headersOf(key) };
      request(`${fleet.address}/v1/notifications`, options, (response) => {
        expect(response.statusCode).toBe(202);
        response.resume().once('end', () => {
          resolve(performance.now() - sentAt);
        });
      })
        .once('error', reject)
        .end(body);
    });
  const answers: Promise<number>[] = [];
  for (let n = 0; n < COUNT; n += 1) {
    answers.push(one());
    await pause(1_000 / PER_SECOND);
  }
  const took = await Promise.all(answers);
  agent.destroy();
  return took;
}

/** Floods by one key until it is told to stop; answers what it was answered, by status. */
function flood(key: string, seconds: number): Promise<Record<string, { count: number }>> {
  const program = createRequire(import.meta.url).resolve('autocannon');
  const headers = Object.entries(headersOf(key)).flatMap((pair) => ['-H', pair.join('=')]);
  const args = [
    program,
    '-j',
    '-m',
    'POST',
    '-c',
    String(FLOODS),
    '-d',
    String(seconds),
    ...headers,
    '-b',
    body,
  ];
  const child = spawn(process.execPath, [...args, `${fleet.address}/v1/notifications`]);
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return new Promise((resolve, reject) => {
    child.once('error', reject).once('close', () => {
      resolve((JSON.parse(text) as { statusCodeStats: Record<string, { count: number }> }).statusCodeStats);
    });
  });
}

const p99 = (values: number[]): number =>
  values.sort((a, b) => a - b)[Math.ceil(0.99 * values.length) - 1] ?? 0;

test('a hundred floods of one key do not double what another key waits', async () => {
  const [watched, flooding] = [await makeKey('watched'), await makeKey('flooding')];
  // Once for nothing, so that all code is compiled.
  await latencies(watched);
  const rounds: { alone: number; beside: number }[] = [];
  let refused = 0;
  // In turns, each round compared with itself, and the middle one taken: whatever else the machine does in one of them is not the flood's.
  for (let round = 0; round < ROUNDS; round += 1) {
    const alone = p99(await latencies(watched));
    const flooded = flood(flooding, Math.ceil(COUNT / PER_SECOND) + 2);
    await pause(1_500);
    rounds.push({ alone, beside: p99(await latencies(watched)) });
    refused += (await flooded)['429']?.count ?? 0;
  }
  expect(refused).toBeGreaterThan(FLOODS);
  const words = rounds.map(({ alone, beside }) => `${alone.toFixed(1)} → ${beside.toFixed(1)}`);
  process.stdout.write(`  another key’s p99, alone → beside ${FLOODS} floods: ${words.join(', ')} ms\n`);
  const ratios = rounds.map(({ alone, beside }) => beside / alone).sort((a, b) => a - b);
  expect(ratios[Math.floor(ROUNDS / 2)]).toBeLessThan(2);
}, 180_000);
