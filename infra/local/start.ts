import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pause } from '../../shared/runtime/backoff.ts';
import { ConfigError, readConfig, type Config } from '../../shared/runtime/config.ts';
import { toError } from '../../shared/runtime/errors.ts';
import { firstLink } from '../../services/producer/sign-in/first-link.ts';
import { dataDirOf, loadEnvironment } from './environment.ts';
import { SERVICES, planFleet, type Fleet } from './fleet.ts';
import { lockHolder, takeLock } from './lock.ts';
import { isFree } from './ports.ts';
import { ProvisionError } from './provision/run.ts';
import { provideServers, toolsDirOf, type ProvidedServer } from './provision/servers.ts';
import { readyBlock } from './ready-block.ts';
import { serviceProblems } from './settings-check.ts';
import { setShieldPolicy } from './shield.ts';
import { Stopping } from './stopping.ts';
import { ManagedProcess, type ProcessSpec } from './supervisor/managed-process.ts';
import { createOutput, showsColour, type Output } from './supervisor/output.ts';

/** How long the services may take to be ready, in milliseconds; they take about 3 s. */
const READY_WITHIN_MS = 120_000;

// Installing and building, which came before this module, count too.
const startedAt = performance.timeOrigin;
const root = process.cwd();
const dataDir = dataDirOf(root);
const names = ['rabbitmq', 'mongodb', 'sandbox', ...SERVICES];
const output = createOutput((text) => process.stdout.write(text), names, showsColour(process.stdout));

try {
  await start();
} catch (thrown) {
  const error = toError(thrown);
  const expected = error instanceof ProvisionError || error instanceof ConfigError;
  output.warn(`\n${expected ? error.message : (error.stack ?? error.message)}`);
  process.exit(1);
}

async function start(): Promise<void> {
  loadEnvironment();
  const config = readConfig(process.env, serviceProblems);
  const lock = join(dataDir, 'lock');
  if (!takeLock(lock))
    throw new ProvisionError(
      `Tidings runs in this folder already. Stop it there with Ctrl-C first, or: kill ${lockHolder(lock)}`,
    );
  await checkPorts(config);
  const {
    RABBITMQ_URL: rabbitmqUrl,
    RABBITMQ_MANAGEMENT_URL: managementUrl,
    MONGO_URI: mongoUri,
  } = process.env;
  const { rabbitmq, mongodb, ports } = await provideServers({
    root,
    dataDir,
    toolsDir: toolsDirOf(root),
    given: { rabbitmqUrl, managementUrl, mongoUri },
    say: (words) => {
      output.say(words);
    },
  });
  const servers = [rabbitmq, mongodb];
  const serverProcesses = run(servers.flatMap((server) => server.processes));
  const services: ManagedProcess[] = [];
  const stopping = new Stopping({ services, serverProcesses, servers }, output);
  stopping.onSignals();
  await Promise.all(servers.map((server) => server.ready()));
  await shield(rabbitmq, output);
  const fleet = await planFleet({
    root,
    dataDir,
    config,
    ports,
    servers: {
      rabbitmqUrl: rabbitmq.url,
      managementUrl: rabbitmq.managementUrl,
      isRabbitmqNamed: rabbitmq.isNamed === true,
      mongoUri: mongodb.url,
    },
  });
  services.push(
    ...run(fleet.processes, () => {
      stopping.because('So everything stops. Mend the settings, then run the same command again.');
    }),
  );
  await untilReady(fleet);
  writeFleetFile(fleet, { rabbitmqUrl: rabbitmq.url, mongoUri: mongodb.url }, [
    ...services,
    ...serverProcesses,
  ]);
  const pages = config.PUBLIC_URL ?? fleet.address;
  const signIn = await firstLink({ ...config, MONGO_URI: mongodb.url }, pages);
  output.say(readyBlock(fleet, signIn, Date.now() - startedAt));
}

async function checkPorts({ HOST, PORT, GRPC_PORT = 0, BOUNCE_PORT = 0 }: Config): Promise<void> {
  for (const [name, port] of Object.entries({ PORT, GRPC_PORT, BOUNCE_PORT }))
    if (port !== 0 && !(await isFree(port, HOST)))
      throw new ProvisionError(
        `Port ${port} of ${HOST} is taken by another program. Stop it, or choose another port:\n  ${name}=${port + 1} npm start`,
      );
}

function run(specs: readonly ProcessSpec[], onHopeless?: () => void): ManagedProcess[] {
  const processes = specs.map((spec) => new ManagedProcess(spec, output));
  for (const one of processes) one.start(onHopeless);
  return processes;
}

async function shield({ url, managementUrl }: ProvidedServer, out: Output): Promise<void> {
  if (managementUrl === undefined) return;
  const trouble = await setShieldPolicy(managementUrl, url);
  if (trouble !== undefined) out.warn(`· the shield policy could not be set: ${trouble}`);
}

async function untilReady({ readiness }: Fleet): Promise<void> {
  const deadline = Date.now() + READY_WITHIN_MS;
  for (const [name, url] of Object.entries(readiness)) {
    for (;;) {
      const answer = await statusOf(url);
      if (answer === 'ok') break;
      if (Date.now() > deadline)
        throw new ProvisionError(`${name} is not ready after ${READY_WITHIN_MS / 1000} s: ${answer}`);
      await pause(100);
    }
  }
}

async function statusOf(url: string): Promise<string> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(5_000) });
    const text = await response.text();
    return response.ok && text.startsWith('{"status":"ok"') ? 'ok' : text;
  } catch (thrown) {
    return toError(thrown).message;
  }
}

/** For tools and tests: where everything is. Holds the key, so only its owner may read it. */
function writeFleetFile(
  fleet: Fleet,
  servers: { rabbitmqUrl: string; mongoUri: string },
  processes: readonly ManagedProcess[],
): void {
  const { address, grpcAddress, apiKey, sandboxUrl, managementUrl, readiness } = fleet;
  const pids = Object.fromEntries(processes.map((one) => [one.name, one.pid]));
  const content = { address, grpcAddress, apiKey, sandboxUrl, managementUrl, ...servers, readiness, pids };
  writeFileSync(join(dataDir, 'fleet.json'), JSON.stringify(content, null, 2), { mode: 0o600 });
}
