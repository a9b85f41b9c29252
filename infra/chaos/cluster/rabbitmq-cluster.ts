import { randomBytes } from 'node:crypto';
import { dirname, join } from 'node:path';
import { ProvisionError, run } from '../../local/provision/run.ts';
import { nodeName, prepareRabbitmqNode, type RabbitmqNode } from '../../local/provision/rabbitmq-node.ts';
import { leashed } from '../../local/provision/server.ts';
import { findRabbitmq } from '../../local/provision/servers.ts';
import type { Ports } from '../../local/ports.ts';
import { Server } from './server.ts';

const NAMES = ['rabbitmq-1', 'rabbitmq-2', 'rabbitmq-3'] as const;
/** After a target was away, at-least-once dead lettering tries again every 180 s; runs cannot wait that long. Milliseconds. */
const ADVANCED = '[{rabbit, [{dead_letter_worker_publisher_confirm_timeout, 5000}]}].';

/** One node of the cluster. */
export class RabbitmqClusterNode extends Server {
  readonly node: RabbitmqNode;
  readonly #ctl: string;

  constructor(node: RabbitmqNode, options: { dataDir: string; ctl: string }) {
    const [spec] = node.processes;
    if (!spec) throw new Error('a node without a process');
    super({ spec, dataDir: options.dataDir, ready: node.ready });
    this.node = node;
    this.#ctl = options.ctl;
  }

  /** Runs a command of `rabbitmqctl` on it; answers what it printed. @throws when it fails. */
  async ctl(...args: string[]): Promise<string> {
    const env = { ...process.env, ...this.node.env };
    const { code, output } = await run(this.#ctl, ['-q', ...args], { env, timeoutMs: 60_000 });
    if (code !== 0) throw new Error(`rabbitmqctl ${args.join(' ')} failed: ${output.slice(-500)}`);
    return output;
  }
}

/** Three nodes of RabbitMQ that form one cluster before anything is declared. */
export class RabbitmqCluster {
  readonly nodes: readonly RabbitmqClusterNode[];
  readonly #epmd: Server;

  private constructor(nodes: readonly RabbitmqClusterNode[], epmd: Server) {
    this.nodes = nodes;
    this.#epmd = epmd;
  }

  /** Starts the cluster in an empty folder. @throws ProvisionError where there is no RabbitMQ to run. */
  static async start(place: { root: string; dataDir: string; ports: Ports }): Promise<RabbitmqCluster> {
    const server = findRabbitmq();
    if (server === undefined)
      throw new ProvisionError('The cluster needs rabbitmq-server: run npm start once, which installs it.');
    const { root, dataDir, ports } = place;
    const shared = { password: secret(), cookie: secret(), epmdPort: await ports.take('cluster_epmd') };
    const epmd = new Server({
      spec: leashed(
        {
          name: 'cluster-epmd',
          command: 'epmd',
          args: ['-port', String(shared.epmdPort)],
          env: { ERL_EPMD_ADDRESS: '127.0.0.1' },
          graceMs: 500,
        },
        root,
        dataDir,
      ),
      dataDir,
      ready: () => Promise.resolve(),
    });
    const ctl = join(dirname(server), 'rabbitmqctl');
    const nodes: RabbitmqClusterNode[] = [];
    for (const name of NAMES) {
      const program = {
        name,
        server: [server] as const,
        epmd: ['epmd'] as const,
        shared,
        advanced: ADVANCED,
        settings: settingsIn(dataDir),
      };
      nodes.push(new RabbitmqClusterNode(await prepareRabbitmqNode(program, place), { dataDir, ctl }));
    }
    await epmd.start();
    await Promise.all(nodes.map((node) => node.start()));
    const cluster = new RabbitmqCluster(nodes, epmd);
    await cluster.#expectWhole();
    return cluster;
  }

  /** The addresses of all nodes, as `RABBITMQ_URL` takes them. */
  url(vhost: string): string {
    return this.nodes.map(({ node }) => `${node.url}/${vhost}`).join(',');
  }

  /** The management API of the first node. */
  get managementUrl(): string {
    return this.#first.node.managementUrl;
  }

  /** A virtual host of its own, with all rights for our user. */
  async createVhost(name: string): Promise<void> {
    await this.management('PUT', `vhosts/${name}`, {});
    const all = { configure: '.*', write: '.*', read: '.*' };
    await this.management('PUT', `permissions/${name}/${new URL(this.managementUrl).username}`, all);
  }

  /** Removes a virtual host with all that is in it. */
  async dropVhost(name: string): Promise<void> {
    await this.management('DELETE', `vhosts/${name}`);
  }

  /** The node that leads a queue. @throws when it has none. */
  async leaderOf(vhost: string, queue: string): Promise<RabbitmqClusterNode> {
    const { leader } = (await this.management('GET', `queues/${vhost}/${queue}`)) as { leader?: string };
    const found = this.nodes.find(({ node }) => node.name === leader);
    if (!found) throw new Error(`${queue} has no leader`);
    return found;
  }

  /** Calls the management API of the first node that answers. @throws when none does, or it refuses. */
  async management(method: string, path: string, body?: object): Promise<unknown> {
    let last: unknown;
    for (const { node } of this.nodes) {
      try {
        return await call(node.managementUrl, method, path, body);
      } catch (thrown) {
        last = thrown;
      }
    }
    throw last;
  }

  /** Ends all nodes, without warning. */
  async kill(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.kill()));
    await this.#epmd.kill();
  }

  get #first(): RabbitmqClusterNode {
    const [first] = this.nodes;
    if (!first) throw new Error('a cluster without nodes');
    return first;
  }

  /** A quorum queue gets members only on the nodes that are there when it is declared. */
  async #expectWhole(): Promise<void> {
    const members = (await this.management('GET', 'nodes')) as { running: boolean }[];
    if (members.filter(({ running }) => running).length !== NAMES.length)
      throw new Error(`the cluster has ${members.length} nodes`);
  }
}

/** They find each other by their names, at their first boot; a minority stops by itself. */
function settingsIn(dataDir: string): string[] {
  return [
    'cluster_formation.peer_discovery_backend = classic_config',
    ...NAMES.map(
      (name, index) =>
        `cluster_formation.classic_config.nodes.${index + 1} = ${nodeName(join(dataDir, name))}`,
    ),
    'cluster_formation.randomized_startup_delay_range.min = 0',
    'cluster_formation.randomized_startup_delay_range.max = 1',
    'cluster_partition_handling = pause_minority',
  ];
}

async function call(managementUrl: string, method: string, path: string, body?: object): Promise<unknown> {
  const { origin, username, password } = new URL(managementUrl);
  const response = await fetch(`${origin}/api/${path}`, {
    method,
    headers: {
      authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`,
      'content-type': 'application/json',
    },
    ...(body && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(10_000),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text.slice(0, 300)}`);
  return text === '' ? undefined : JSON.parse(text);
}

function secret(): string {
  return randomBytes(12).toString('hex');
}
