import { ConfigError, readConfig, type Config } from './config.ts';
import { SECOND } from './duration.ts';
import { toError } from './errors.ts';
import { createLogger, type Logger } from './logger.ts';

/** What a service is started with. */
export interface ServiceContext {
  config: Config;
  log: Logger;
}

/** Exit code of a service that its settings keep from starting: to start it again changes nothing. EX_CONFIG of sysexits.h. */
export const BAD_SETTINGS_EXIT = 78;

/** A started service. `stop` drains: it takes no new work, finishes what is in flight, and closes. */
export interface Service {
  stop(): Promise<void>;
}

/**
 * Runs one service of the fleet as this process: reads the environment, starts, and drains on SIGTERM, SIGINT, or when the supervisor's
 * pipe closes. A second signal ends at once. A failed start ends with code 1 and one readable message; with `BAD_SETTINGS_EXIT` and a line for each
 * problem where the settings are to blame.
 */
export async function runService(
  name: string,
  start: (context: ServiceContext) => Promise<Service>,
): Promise<void> {
  const config = configOrExit();
  const log = createLogger(config, name);
  // The work that failed has ended, and all other work goes on: a message that causes a bug must not end the process at every restart.
  process.on('unhandledRejection', (reason) => {
    log.error('unhandled rejection: this is a bug', { error: toError(reason) });
  });
  // What is wrong with settings may be thrown before there is a promise.
  const starting = (async () => start({ config, log }))();
  stopOnSignals({ config, log }, starting);
  try {
    await starting;
  } catch (thrown) {
    process.exit(failed(log, toError(thrown)));
  }
}

/** Says why it could not start; answers the exit code. A stack says nothing about settings. */
function failed(log: Logger, error: Error): number {
  if (!(error instanceof ConfigError)) {
    log.error('could not start', { error });
    return 1;
  }
  for (const problem of error.problems) log.error(`could not start: ${problem}`);
  return BAD_SETTINGS_EXIT;
}

function configOrExit(): Config {
  try {
    return readConfig();
  } catch (thrown) {
    if (!(thrown instanceof ConfigError)) throw thrown;
    process.stderr.write(`${thrown.message}\n`);
    process.exit(BAD_SETTINGS_EXIT);
  }
}

function stopOnSignals({ config, log }: ServiceContext, starting: Promise<Service>): void {
  let stopping = false;
  const stop = (cause: string): void => {
    if (stopping) process.exit(1);
    stopping = true;
    log.info('draining', { cause });
    setTimeout(() => {
      log.error('draining took too long; what was in flight comes back after its lease');
      process.exit(1);
    }, config.DRAIN_SECONDS * SECOND).unref();
    void drain(log, starting);
  };
  process.on('SIGTERM', stop).on('SIGINT', stop);
  // A supervised process must not outlive its supervisor, even one that was killed.
  if (process.env.TIDINGS_SUPERVISED === '1')
    process.stdin.resume().on('end', () => {
      if (!stopping) stop('supervisor is gone');
    });
}

async function drain(log: Logger, starting: Promise<Service>): Promise<void> {
  try {
    const service = await starting;
    await service.stop();
    log.info('stopped');
    process.exit(0);
  } catch (thrown) {
    log.error('draining failed', { error: toError(thrown) });
    process.exit(1);
  }
}
