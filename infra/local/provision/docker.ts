import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { mongoAnswers, rabbitAnswers } from './answers.ts';
import type { Ports } from '../ports.ts';
import { findProgram, run } from './run.ts';
import { waitUntil } from './server.ts';

/** Pulling the images takes as long as the network does; then they start in seconds. Milliseconds. */
const READY_WITHIN_MS = 120_000;

/** One of the two servers, run by Docker Compose. */
export type ComposeService = 'rabbitmq' | 'mongodb';

/** Whether a Docker engine with Compose answers; the client alone is no engine. */
export async function hasDocker(): Promise<boolean> {
  const docker = findProgram('docker');
  if (!docker) return false;
  const options = { timeoutMs: 5_000 };
  const [engine, compose] = await Promise.all([
    run(docker, ['info'], options),
    run(docker, ['compose', 'version'], options),
  ]);
  return engine.code === 0 && compose.code === 0;
}

/**
 * Starts one service of `infra/docker/compose.yml` and answers its addresses.
 * @throws when Compose fails or the server does not answer.
 */
export async function startCompose(
  service: ComposeService,
  { root, dataDir, ports }: { root: string; dataDir: string; ports: Ports },
): Promise<{ url: string; managementUrl?: string; stop: () => Promise<void> }> {
  // A project of its own, so that neither another clone nor npm test shares containers and volumes with it.
  const project = `tidings-${createHash('sha256').update(dataDir).digest('hex').slice(0, 10)}`;
  const compose = ['compose', '-p', project, '-f', join(root, 'infra/docker/compose.yml')];
  const taken = await portsOf(service, ports);
  const env = { ...process.env, ...taken };
  const { code, output } = await run('docker', [...compose, 'up', '-d', '--wait', service], { env });
  if (code !== 0) throw new Error(`docker compose failed: ${output.slice(-500)}`);
  const stop = async (): Promise<void> => {
    await run('docker', [...compose, 'stop', '-t', '3', service], { env, timeoutMs: 8_000 });
  };
  if (service === 'mongodb') {
    const url = `mongodb://127.0.0.1:${taken.TIDINGS_MONGODB_PORT}/tidings?replicaSet=rs0&directConnection=true`;
    await waitUntil(() => mongoAnswers(url), READY_WITHIN_MS, 'MongoDB in Docker did not answer');
    return { url, stop };
  }
  const url = `amqp://guest:guest@127.0.0.1:${taken.TIDINGS_RABBITMQ_PORT}`;
  await waitUntil(() => rabbitAnswers(url), READY_WITHIN_MS, 'RabbitMQ in Docker did not answer');
  return { url, managementUrl: `http://guest:guest@127.0.0.1:${taken.TIDINGS_MANAGEMENT_PORT}`, stop };
}

/** Only those of the service: a port of the other one, which may run already, would look taken. */
async function portsOf(service: ComposeService, ports: Ports): Promise<Record<string, string>> {
  if (service === 'mongodb') return { TIDINGS_MONGODB_PORT: String(await ports.take('docker_mongodb')) };
  return {
    TIDINGS_RABBITMQ_PORT: String(await ports.take('docker_rabbitmq')),
    TIDINGS_MANAGEMENT_PORT: String(await ports.take('docker_rabbitmq_management')),
  };
}
