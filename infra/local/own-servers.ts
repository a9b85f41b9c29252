import { setIn } from '../../shared/runtime/environment.ts';
import { toError } from '../../shared/runtime/errors.ts';
import { Ports } from './ports.ts';
import { fetchRabbitmq4 } from './provision/rabbitmq-4.ts';
import { prepareRabbitmqNode, type RabbitmqNode } from './provision/rabbitmq-node.ts';
import { provideServers, toolsDirOf } from './provision/servers.ts';
import { ManagedProcess, type ProcessSpec } from './supervisor/managed-process.ts';
import type { Output } from './supervisor/output.ts';

/** Where servers are started, and who is told. */
export interface OwnServersOptions {
  root: string;
  dataDir: string;
  output: Output;
}

/**
 * RabbitMQ and MongoDB for a command that makes and drops databases and virtual hosts, such as the tests: never those of a server that was
 * named for something else.
 */
export class OwnServers {
  readonly #options: OwnServersOptions;
  readonly #processes: ManagedProcess[] = [];
  #ports: Ports | undefined;

  constructor(options: OwnServersOptions) {
    this.#options = options;
  }

  /** Starts both; answers the environment that says where they are. @throws ProvisionError when they cannot be had. */
  async start(): Promise<NodeJS.ProcessEnv> {
    const { root, dataDir, output } = this.#options;
    const env = setIn(process.env);
    const { rabbitmq, mongodb, ports } = await provideServers({
      root,
      dataDir,
      toolsDir: toolsDirOf(root),
      given: {
        rabbitmqUrl: env.TIDINGS_TEST_RABBITMQ_URL,
        managementUrl: env.TIDINGS_TEST_RABBITMQ_MANAGEMENT_URL,
        mongoUri: env.TIDINGS_TEST_MONGO_URI,
      },
      say: (words) => {
        output.say(words);
      },
    });
    this.#ports = ports;
    this.#run([...rabbitmq.processes, ...mongodb.processes]);
    await Promise.all([rabbitmq.ready(), mongodb.ready()]);
    return {
      ...env,
      NODE_OPTIONS: '',
      TIDINGS_TEST_RABBITMQ_URL: rabbitmq.url,
      TIDINGS_TEST_RABBITMQ_MANAGEMENT_URL: rabbitmq.managementUrl,
      TIDINGS_TEST_MONGO_URI: mongodb.url,
    };
  }

  /** Starts a RabbitMQ 4 beside the other one, where it can be had; answers where it is. After `start`. */
  async startRabbitmq4(): Promise<NodeJS.ProcessEnv> {
    const { root, dataDir, output } = this.#options;
    const own: ManagedProcess[] = [];
    try {
      const ports = this.#ports ?? new Ports(dataDir);
      const node = await prepareRabbitmqNode(await fetchRabbitmq4(toolsDirOf(root)), {
        root,
        dataDir,
        ports,
      });
      own.push(...this.#run(node.processes));
      await node.ready();
      output.say('· RabbitMQ 4: a private node of the packages of Debian 13, beside the other one');
      return addressesOf(node);
    } catch (thrown) {
      await Promise.all(own.map((one) => one.stop()));
      output.say(
        `· RabbitMQ 4: none, so the broker is tested on one version only (${toError(thrown).message})`,
      );
      return {};
    }
  }

  /** Ends all that it started. */
  async stop(): Promise<void> {
    await Promise.all(this.#processes.map((one) => one.stop()));
  }

  #run(specs: readonly ProcessSpec[]): ManagedProcess[] {
    const started = specs.map((spec) => new ManagedProcess(spec, this.#options.output));
    this.#processes.push(...started);
    for (const one of started) one.start();
    return started;
  }
}

function addressesOf({ url, managementUrl }: RabbitmqNode): NodeJS.ProcessEnv {
  return { TIDINGS_TEST_RABBITMQ4_URL: url, TIDINGS_TEST_RABBITMQ4_MANAGEMENT_URL: managementUrl };
}
