import type { IssuedLink } from '../../services/producer/sign-in/first-link.ts';
import type { Fleet } from './fleet.ts';

/** What is printed once everything runs: where to go, with which key, and a first command to paste. */
export function readyBlock(fleet: Fleet, signIn: IssuedLink | undefined, tookMs: number): string {
  const { address, grpcAddress, apiKey, sandboxUrl, managementUrl, amqp } = fleet;
  const body = '{"user_id":"u1","type":"email","email":"a@example.org","subject":"Hi","message":"Hello"}';
  const rows: [string, string | undefined][] = [
    ['Pages', signIn ? `${signIn.address}   signs you in, once` : `${address}/`],
    ['API documentation', `${address}/docs`],
    ['gRPC', grpcAddress && `${grpcAddress}   tidings.v1.Scheduler (docs/grpc.md)`],
    ['AMQP', `${amqp}   exchange tidings.requests (docs/amqp.md)`],
    ['API key', apiKey],
    ['Sandbox mailbox', sandboxUrl && `${sandboxUrl}/`],
    ['RabbitMQ management', managementUrl && loginOf(managementUrl)],
  ];
  return [
    '',
    `Tidings is ready (${(tookMs / 1000).toFixed(1)} s).`,
    '',
    ...rows.flatMap(([name, value]) => (value === undefined ? [] : [`  ${name.padEnd(20)} ${value}`])),
    '',
    '  Send an e-mail:',
    `  curl -X POST ${address}/v1/notifications \\`,
    `    -H 'authorization: Bearer ${apiKey}' -H 'content-type: application/json' \\`,
    `    -d '${body}'`,
    '',
    '  Ctrl-C stops everything. Data stays in .data/ (npm run reset -- --yes removes it).',
    '',
  ].join('\n');
}

function loginOf(managementUrl: string): string {
  const { origin, username, password } = new URL(managementUrl);
  return `${origin}/   user ${decodeURIComponent(username)}, password ${decodeURIComponent(password)}`;
}
