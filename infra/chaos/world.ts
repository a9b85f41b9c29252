import type { Sandbox } from '../local/sandbox/sandbox.ts';
import { pause } from '../../shared/runtime/backoff.ts';
import { SECOND } from '../../shared/runtime/duration.ts';
import type { Client } from './client.ts';
import type { Cluster } from './cluster/cluster.ts';
import type { Loss } from './checker.ts';
import type { History } from './history.ts';
import { IN_HAND, type ChaosFleet } from './fleet/chaos-fleet.ts';
import type { ServiceName } from '../local/fleet.ts';
import type { ServiceProcess } from './fleet/service-process.ts';
import type { Random } from './random.ts';
import type { Proxies } from './routes.ts';
import type { TcpProxy } from './tcp-proxy.ts';

/** Which connections of a run go through a proxy. */
export interface Routes {
  /** Of which processes, to RabbitMQ. */
  rabbitmq?: readonly ServiceName[];
  /** Of which processes, to the primary of MongoDB. Only the first of each kind: the others see the whole set. */
  mongodb?: readonly ServiceName[];
  /** To the mail server and the SMS API. */
  providers?: true;
}

/** A fault: what is done to a fleet under load, and what the checker may then see. */
export interface Fault {
  name: string;
  /** In words, for the table. */
  what: string;
  routes?: Routes;
  /** Another program in the place of a service. */
  entries?: Partial<Record<ServiceName, string>>;
  /** Settings of every process. */
  settings?: Readonly<Record<string, string>>;
  /** How long all may take to come to rest after it, where that is longer than after others. */
  patienceSeconds?: number;
  /** The fleet is broken on purpose: the run is good when the checker reports losses of this kind, more than the load leaves scheduled. */
  mustLose?: Loss;
  /** Providers refuse at random: recipients who are fine may become dead letters. */
  deadLetters?: true;
  /** Producers are killed, or the network between a client and them is not the fleet's to keep: requests may be reset. */
  mayReset?: true;
  /** MongoDB or the producers are hurt: requests may be answered 503. */
  mayRefuse?: true;
  /** What must be so besides the promises; answers complaints. */
  alsoCheck?: (history: History) => string[];
  /** Runs before the fleet starts. */
  beforeStart?: (world: World) => Promise<void>;
  /** Injects it, waits, and heals it. */
  inject: (world: World) => Promise<void>;
}

/** Deliveries of a consumer that a crash interrupts at most; in-app has none, for it records and hands over in one write. */
const AT_RISK: Partial<Record<ServiceName, number>> = IN_HAND;

/** What a fault can reach. */
export class World {
  readonly fleet: ChaosFleet;
  readonly sandbox: Sandbox;
  readonly cluster: Cluster;
  readonly client: Client;
  readonly random: Random;
  readonly vhost: string;
  readonly proxies: Pick<Proxies, 'rabbitmq' | 'mongodb' | 'smtp' | 'sms'>;
  /** Tells whoever watches. */
  readonly say: (words: string) => void;
  /** What this run may show, beyond what its fault says: a mixed one knows only once it has drawn. */
  readonly allowed: Pick<Fault, 'deadLetters' | 'mayReset' | 'mayRefuse'> = {};
  /** What a fault itself found wrong, in words. */
  readonly complaints: string[] = [];
  /** Resolves when all of the load was handed over. */
  loaded: Promise<void> = Promise.resolve();
  /** Hand-overs whose answer may have been lost so far: the bound of duplicates. */
  #atRisk = 0;

  constructor(parts: {
    fleet: ChaosFleet;
    sandbox: Sandbox;
    cluster: Cluster;
    client: Client;
    random: Random;
    vhost: string;
    proxies: World['proxies'];
    say: (words: string) => void;
  }) {
    this.say = parts.say;
    this.fleet = parts.fleet;
    this.sandbox = parts.sandbox;
    this.cluster = parts.cluster;
    this.client = parts.client;
    this.random = parts.random;
    this.vhost = parts.vhost;
    this.proxies = parts.proxies;
    // A provider that took a message and did not say so.
    parts.sandbox.mailbox.on('arrived', ({ unanswered }) => {
      if (unanswered) this.#atRisk += 1;
    });
  }

  /** How many duplicates there may be. */
  get bound(): number {
    return this.#atRisk;
  }

  /** Notes that whatever a process was delivering just now was interrupted. */
  interrupted({ service }: ServiceProcess): void {
    this.#atRisk += AT_RISK[service] ?? 0;
  }

  /** Kills a process as it works; half a second later it is started again, as a supervisor would. */
  async crash(process: ServiceProcess): Promise<void> {
    this.interrupted(process);
    await process.kill();
    await pause(SECOND / 2);
    await process.start();
  }

  /** One of two processes of a service. */
  anyOf(service: ServiceName): ServiceProcess {
    return this.random.pick(this.fleet.of(service));
  }

  /** A proxy of this run. @throws when the fault asked for no such route. */
  proxy(name: keyof World['proxies']): TcpProxy {
    const proxy = this.proxies[name];
    if (!proxy) throw new Error(`this run has no way through a proxy to ${name}`);
    return proxy;
  }

  /** Waits so many seconds. */
  seconds(count: number): Promise<void> {
    return pause(count * SECOND);
  }
}
