import type { IssuedLink } from '../../services/producer/sign-in/first-link.ts';
import type { Fleet } from './fleet.ts';

/**
 * What is printed once everything runs: where to go, with which key, and a first command to paste. It shows credentials that were made here
 * only: those that were given are somebody's secrets, and the output may be kept in a log.
 */
export function readyBlock(fleet: Fleet, signIn: IssuedLink | undefined, tookMs: number): string {
  const { address, grpcAddress, apiKey, isApiKeyGiven, sandboxUrl, sandboxed } = fleet;
  const body = '{"user_id":"u1","type":"email","email":"a@example.org","subject":"Hi","message":"Hello"}';
  const rows: [string, string | undefined][] = [
    ['Pages', signIn ? `${signIn.address}   signs you in, once` : `${address}/`],
    ['API documentation', `${address}/docs`],
    ['gRPC', grpcAddress && `${grpcAddress}   tidings.v1.Scheduler (docs/grpc.md)`],
    ['AMQP', `${amqpOf(fleet)}   exchange tidings.requests (docs/amqp.md)`],
    ['API key', isApiKeyGiven ? 'the one of API_KEY' : apiKey],
    ['Sandbox mailbox', sandboxUrl && `${sandboxUrl}/${takenBy(sandboxed)}`],
    ['RabbitMQ management', managementOf(fleet)],
  ];
  return [
    '',
    `Tidings is ready (${(tookMs / 1000).toFixed(1)} s).`,
    '',
    ...rows.flatMap(([name, value]) => (value === undefined ? [] : [`  ${name.padEnd(20)} ${value}`])),
    '',
    '  Send an e-mail:',
    `  curl -X POST ${address}/v1/notifications \\`,
    `    -H ${isApiKeyGiven ? '"authorization: Bearer $API_KEY"' : `'authorization: Bearer ${apiKey}'`} -H 'content-type: application/json' \\`,
    `    -d '${body}'`,
    '',
    '  Ctrl-C stops everything. Data stays in .data/ (npm run reset -- --yes removes it).',
    '',
  ].join('\n');
}

function amqpOf({ rabbitmqUrl, isRabbitmqNamed }: Fleet): string {
  return isRabbitmqNamed ? 'the RabbitMQ of RABBITMQ_URL' : rabbitmqUrl;
}

function managementOf({ managementUrl, isRabbitmqNamed }: Fleet): string | undefined {
  if (managementUrl === undefined) return undefined;
  const { origin, pathname, username, password } = new URL(managementUrl);
  if (isRabbitmqNamed) return `${origin}${pathname}   the login of RABBITMQ_MANAGEMENT_URL`;
  return `${origin}/   user ${decodeURIComponent(username)}, password ${decodeURIComponent(password)}`;
}

function takenBy(sandboxed: readonly string[]): string {
  return sandboxed.length === 0 ? '' : `   instead of ${sandboxed.join(' and ')}: nobody receives anything`;
}
