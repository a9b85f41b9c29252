import { Server, ServerCredentials, setLogger } from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';
import { pause } from '../../../shared/runtime/backoff.ts';
import type { Config } from '../../../shared/runtime/config.ts';
import { MINUTE, SECOND } from '../../../shared/runtime/duration.ts';
import { readiness } from '../../../shared/runtime/health.ts';
import { TOLERATED } from '../app.ts';
import type { ProducerContext } from '../context.ts';
import { Health } from './health.ts';
import { HEALTH, SCHEDULER, DEFINITIONS, schedulerService } from './protos.ts';
import { schedulerMethods } from './schedule-meet.ts';
import { withStrictStrings } from './strict-strings.ts';
import { grpcTlsOf } from './tls.ts';

/** What a client may take of us. A request has 11 000 characters at most, of four bytes each at most. */
const LIMITS = {
  'grpc.max_receive_message_length': 64 * 1024,
  'grpc.max_concurrent_streams': 1_000,
  'grpc.max_connection_idle_ms': 5 * MINUTE,
  // Nor does a stream of health or reflection, which needs no key, last for good. Clients connect again by themselves.
  'grpc.max_connection_age_ms': 30 * MINUTE,
  'grpc.max_connection_age_grace_ms': 30 * SECOND,
  // Whoever is gone without a word is noticed.
  'grpc.keepalive_time_ms': MINUTE,
  'grpc.keepalive_timeout_ms': 20 * SECOND,
};
/** How long answers that were given may take to get out while it stops, in milliseconds: whoever watches its health never hangs up. */
const LAST_WORDS_MS = SECOND / 2;

/** The service as it is served: with requests whose texts were looked at. */
const strictService = Object.fromEntries(
  Object.entries(schedulerService).map(([name, method]) => [name, withStrictStrings(method)]),
);

/** The gRPC server of a producer. */
export interface GrpcServer {
  port: number;
  /** Says that it is not serving any more, while it still is. */
  announce: () => void;
  /** Takes no more calls, and resolves when those under way have their answers. */
  stop: () => Promise<void>;
}

/**
 * Serves the scheduler, its description by reflection, and its health.
 * @throws ConfigError when its certificate cannot be read, or its port is taken.
 */
export async function startGrpc(context: ProducerContext, port: number): Promise<GrpcServer> {
  const { config, checks, draining, log } = context;
  // It complains on standard error otherwise.
  setLogger({
    error: (words: string) => {
      log.warn('gRPC', { words });
    },
  });
  const server = new Server(LIMITS);
  const underWay = new Set<Promise<void>>();
  const credentials = credentialsOf(config);
  server.addService(strictService, { ...schedulerMethods(context, underWay) });
  new ReflectionService(DEFINITIONS, { services: [SCHEDULER, HEALTH] }).addToServer(server);
  const health = new Health(
    async () => draining.check().ok && (await readiness(checks, TOLERATED)).status !== 'unavailable',
  );
  health.addTo(server);
  const bound = await bind(server, { host: config.HOST, port, credentials });
  health.start();
  log.info('accepting gRPC', { port: bound, tls: credentials._isSecure() });
  return {
    port: bound,
    announce: () => {
      health.stop();
    },
    stop: () => stop(server, underWay),
  };
}

/** With a certificate, TLS; without one in the clear, which the settings allow on a loopback address only. @throws ConfigError */
function credentialsOf(config: Config): ServerCredentials {
  const tls = grpcTlsOf(config);
  return tls === undefined
    ? ServerCredentials.createInsecure()
    : ServerCredentials.createSsl(null, [{ ...tls }]);
}

function bind(
  server: Server,
  { host, port, credentials }: { host: string; port: number; credentials: ServerCredentials },
): Promise<number> {
  const address = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  return new Promise((resolve, reject) => {
    server.bindAsync(address, credentials, (error, bound) => {
      if (error) reject(new Error(`GRPC_PORT: cannot listen on ${address}: ${error.message}`));
      else resolve(bound);
    });
  });
}

async function stop(server: Server, underWay: ReadonlySet<Promise<void>>): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.tryShutdown(() => {
      resolve();
    });
  });
  await Promise.race([closed, Promise.all(underWay).then(() => pause(LAST_WORDS_MS))]);
  server.forceShutdown();
}
