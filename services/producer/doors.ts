import type { ShutdownStage } from '../../shared/runtime/shutdown.ts';
import { startBounceListener, type BounceListener } from './callbacks/bounce-listener.ts';
import type { ProducerContext } from './context.ts';
import type { GrpcServer } from './grpc/server.ts';
import { listen, type HttpServer } from './http-server.ts';

/** Where a producer takes something in. Undefined: that door is not configured. */
export interface Ports {
  port: number;
  bouncePort: number | undefined;
  grpcPort: number | undefined;
}

/** The doors of a producer, all open. */
export interface Doors extends Ports {
  /** Says, where there is a word for it, that it is about to close; takes no more from RabbitMQ. */
  announce(): void;
  /** Each listener by its name: takes nothing new, and resolves when everything that is under way has its answer. */
  close: ShutdownStage;
}

/** Opens every door that the settings name, or none. @throws ConfigError, or an error of the system, when a port is taken or a certificate is no good. */
export async function openDoors(context: ProducerContext): Promise<Doors> {
  const { requests } = context;
  const { reports, grpc, http } = await openPorts(context);
  // Last, for nobody has to reach it: what cannot open elsewhere is known by now.
  requests.start();
  let requestsClosed: Promise<void> | undefined;
  return {
    port: http.port,
    bouncePort: reports?.port,
    grpcPort: grpc?.port,
    announce: () => {
      requestsClosed = requests.stop();
      // Whoever closes it hears of a failure; until then it must not end the process.
      requestsClosed.catch(() => undefined);
      grpc?.announce();
    },
    close: {
      HTTP: () => http.stop(),
      SMTP: () => reports?.stop(),
      gRPC: () => grpc?.stop(),
      'requests by AMQP': () => requestsClosed,
    },
  };
}

/** HTTP last, for most come by it; when one cannot open, those that are open are closed. */
async function openPorts(
  context: ProducerContext,
): Promise<{ reports?: BounceListener; grpc?: GrpcServer; http: HttpServer }> {
  let reports: BounceListener | undefined;
  let grpc: GrpcServer | undefined;
  try {
    reports = await listenForBounces(context);
    grpc = await listenGrpc(context);
    const http = await listen(context);
    return { ...(reports && { reports }), ...(grpc && { grpc }), http };
  } catch (thrown) {
    grpc?.announce();
    await Promise.all([reports?.stop(), grpc?.stop()]);
    throw thrown;
  }
}

function listenForBounces({ config, bounces, log }: ProducerContext): Promise<BounceListener> | undefined {
  const { HOST: host, BOUNCE_PORT: port } = config;
  return bounces && port !== undefined ? startBounceListener({ host, port }, { bounces, log }) : undefined;
}

/** Loaded only where it is asked for. */
async function listenGrpc(context: ProducerContext): Promise<GrpcServer | undefined> {
  const { GRPC_PORT } = context.config;
  if (GRPC_PORT === undefined) return undefined;
  const { startGrpc } = await import('./grpc/server.ts');
  return startGrpc(context, GRPC_PORT);
}
