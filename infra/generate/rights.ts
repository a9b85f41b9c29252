import { BROKER_USERS, type BrokerUser } from '../../shared/broker/index.ts';
import { readConfig } from '../../shared/runtime/config.ts';
import { rolesFor } from '../../shared/store/index.ts';
import { tableOf, withGenerated } from './marks.ts';

/** For `definitions.json`: users whom RabbitMQ lets in once `rabbitmqctl change_password` has set a password, and what each may do. */
export function brokerRights(vhost: string): object {
  return {
    users: BROKER_USERS.map(({ name, tags }) => ({
      name,
      password_hash: '',
      hashing_algorithm: 'rabbit_password_hashing_sha256',
      tags,
    })),
    permissions: BROKER_USERS.map(({ name: user, configure, write, read }) => ({
      user,
      vhost,
      configure,
      write,
      read,
    })),
    topic_permissions: BROKER_USERS.flatMap(({ name: user, topics }) =>
      topics.map((topic) => ({ user, vhost, ...topic })),
    ),
  };
}

/** `roles.json`: MongoDB's roles, in the database that `MONGO_URI` names when it is not set. */
export function roles(): string {
  return `${JSON.stringify(storeRoles(), null, 2)}\n`;
}

/** Puts the tables of who may do what between their marks. @throws when a text has no marks. */
export function withRightsTables(document: string): string {
  return withGenerated(withGenerated(document, 'rabbitmq', brokerTable()), 'mongodb', storeTable());
}

function storeRoles(): ReturnType<typeof rolesFor> {
  return rolesFor(new URL(readConfig({}).MONGO_URI).pathname.slice(1));
}

function brokerTable(): string {
  const head = ['user', 'configure', 'read', 'write', 'write, by routing key'];
  const rows = BROKER_USERS.map((user) => [
    `\`${user.name}\``,
    ...[user.configure, user.read, user.write].map(code),
    keysOf(user),
  ]);
  return tableOf(head, rows);
}

function keysOf({ topics }: BrokerUser): string {
  const written = topics.filter(({ write }) => write !== '^$');
  return written.map(({ exchange, write }) => `\`${exchange}\`: ${code(write)}`).join('<br>');
}

/** A bar would end the cell, in code too. */
function code(pattern: string): string {
  return pattern === '^$' ? '' : `\`${pattern.replaceAll('|', '\\|')}\``;
}

function storeTable(): string {
  const all = storeRoles();
  const collections = new Set(
    all.flatMap(({ privileges }) => privileges.map(({ resource }) => resource.collection)),
  );
  const rows = [...collections].map((collection) => [
    `\`${collection}\``,
    ...all.map(({ privileges }) =>
      privileges
        .flatMap(({ resource, actions }) => (resource.collection === collection ? actions : []))
        .join(', '),
    ),
  ]);
  return tableOf(['collection', ...all.map(({ createRole }) => `\`${createRole}\``)], rows);
}
