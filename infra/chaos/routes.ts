import type { Sandbox } from '../local/sandbox/sandbox.ts';
import type { Cluster } from './cluster/cluster.ts';
import { rabbitmqUrlOf } from '../../shared/runtime/rabbitmq-url.ts';
import type { ServiceName } from '../local/fleet.ts';
import { TcpProxy } from './tcp-proxy.ts';
import type { Routes } from './world.ts';

/** The proxies of a run, and the settings that lead through them. */
export interface Proxies {
  rabbitmq: TcpProxy | undefined;
  mongodb: TcpProxy | undefined;
  smtp: TcpProxy | undefined;
  sms: TcpProxy | undefined;
  /** Settings of one process; `run` names its virtual host and database. */
  envOf: (service: ServiceName, number: number, run: string) => NodeJS.ProcessEnv;
}

/** Starts the proxies that a fault asks for. */
export async function startProxies(
  routes: Routes = {},
  { cluster, sandbox }: { cluster: Cluster; sandbox: Sandbox },
): Promise<Proxies> {
  const node = new URL(rabbitmqUrlOf(cluster.rabbitmq.url('')).nodes[0].url);
  const rabbitmq = routes.rabbitmq && (await TcpProxy.start(Number(node.port)));
  const mongodb = routes.mongodb && (await TcpProxy.start(portOf((await cluster.mongodb.primary()).address)));
  return {
    rabbitmq,
    mongodb,
    smtp: routes.providers && (await TcpProxy.start(sandbox.smtpPort)),
    sms: routes.providers && (await TcpProxy.start(sandbox.httpPort)),
    envOf: (service, number, run) => ({
      ...(rabbitmq &&
        routes.rabbitmq?.includes(service) && { RABBITMQ_URL: throughProxy(node, rabbitmq, run) }),
      ...(mongodb &&
        number === 1 &&
        routes.mongodb?.includes(service) && {
          MONGO_URI: `mongodb://127.0.0.1:${mongodb.port}/${run}?directConnection=true`,
        }),
    }),
  };
}

/** Ends them. */
export async function stopProxies({ rabbitmq, mongodb, smtp, sms }: Proxies): Promise<void> {
  await Promise.all([rabbitmq?.stop(), mongodb?.stop(), smtp?.stop(), sms?.stop()]);
}

function throughProxy(node: URL, { port }: TcpProxy, run: string): string {
  const url = new URL(node);
  url.port = String(port);
  url.pathname = `/${run}`;
  return url.toString();
}

function portOf(address: string): number {
  return Number(address.split(':').at(-1));
}
