import { createRequire } from 'node:module';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { BROKER_USERS } from '../../../shared/broker/index.ts';
import { rolesFor } from '../../../shared/store/index.ts';
import { SECURED_SERVERS, documentedBlock } from '../../support/documented.ts';
import { runProgram } from '../../support/program.ts';

const services = BROKER_USERS.map(({ name }) => name).filter((name) => name !== 'tidings-requester');

test('names each user of RabbitMQ before it asks for the password', async () => {
  const loop = documentedBlock(SECURED_SERVERS, 'change_password');
  const { stdout } = await runProgram('sh', ['-ec', `rabbitmqctl() { echo "asked: $*"; }\n${loop}`]);
  const asked = services.flatMap((name) => [`${name}:`, `asked: change_password ${name}`]);
  expect(stdout.trim().split('\n')).toEqual(asked);
});

// mongosh cannot be had for the tests: its part is played by the few names that the block uses.
test('names each user of MongoDB before it asks for the password, and makes every role', () => {
  const block = documentedBlock(SECURED_SERVERS, 'passwordPrompt(), roles: [name]');
  const [use, ...lines] = block.split('\n');
  const said: string[] = [];
  const db = {
    runCommand: ({ createRole }: { createRole: string }) => said.push(`role ${createRole}`),
    createUser: ({ user, roles }: { user: string; roles: string[] }) =>
      said.push(`user ${user} ${roles.join()}`),
  };
  const passwordPrompt = (): void => void said.push('asked');
  runInNewContext(lines.join('\n'), {
    db,
    passwordPrompt,
    require: createRequire(import.meta.url),
    print: (text: string) => said.push(text),
  });
  const names = rolesFor('tidings').map(({ createRole }) => createRole);
  expect(use).toBe('use tidings');
  expect(said).toEqual([
    ...names.map((name) => `role ${name}`),
    ...names.flatMap((name) => [`${name}:`, 'asked', `user ${name} ${name}`]),
  ]);
});
