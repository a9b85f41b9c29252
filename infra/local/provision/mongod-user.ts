import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MongoClient } from 'mongodb';
import { pause } from '../../../shared/runtime/backoff.ts';
import type { ProcessSpec } from '../supervisor/managed-process.ts';
import { ProvisionError } from './run.ts';

/** The only user of a server of ours, and where it is kept that the server knows it. */
export interface MongodUser {
  name: string;
  password: string;
}

/** A first start of an old folder may have to recover; milliseconds. */
const READY_WITHIN_MS = 60_000;

/**
 * Gives the data of a server its user, unless it has it: runs the server once by itself, without its replica set and without authentication,
 * on loopback. So a folder from before there were users, or one whose password was lost, starts as a new one does. `alone`: how to run it.
 */
export async function provideUser(
  data: string,
  user: MongodUser,
  { alone, address }: { alone: ProcessSpec; address: string },
): Promise<void> {
  const note = join(data, 'user');
  const wanted = createHash('sha256').update(`${user.name}:${user.password}`).digest('hex');
  if (existsSync(note) && readFileSync(note, 'utf8') === wanted) return;
  const server = startAlone(alone);
  try {
    await writeUser(address, user, server.ended);
  } finally {
    await server.stop();
  }
  writeFileSync(note, wanted, { mode: 0o600 });
}

interface AloneServer {
  /** Aborts when the server has ended. */
  ended: AbortSignal;
  stop: () => Promise<void>;
}

/** On a leash, so it ends with its standard input. */
function startAlone({ command, args, env, cwd }: ProcessSpec): AloneServer {
  const ended = new AbortController();
  const child = spawn(command, args, { env, cwd, detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  const closed = new Promise<void>((resolve) => {
    const onEnd = (): void => {
      ended.abort();
      resolve();
    };
    child.once('close', onEnd).once('error', onEnd);
  });
  return {
    ended: ended.signal,
    stop: () => {
      child.stdin.end();
      return closed;
    },
  };
}

/** @throws ProvisionError when the server ends, or does not answer. */
async function writeUser(address: string, user: MongodUser, ended: AbortSignal): Promise<void> {
  const deadline = Date.now() + READY_WITHIN_MS;
  while (!ended.aborted && Date.now() < deadline) {
    const client = new MongoClient(`mongodb://${address}/?directConnection=true`, {
      serverSelectionTimeoutMS: 1_000,
    });
    try {
      await client.connect();
      await writeOnce(client, user);
      return;
    } catch {
      // Not up yet; the log of the server says why when it never is.
      await pause(100, ended);
    } finally {
      await client.close();
    }
  }
  throw new ProvisionError('MongoDB did not start to get its user; mongod.log in its folder says why');
}

async function writeOnce(client: MongoClient, { name, password }: MongodUser): Promise<void> {
  const admin = client.db('admin');
  const { users } = (await admin.command({ usersInfo: name })) as { users: unknown[] };
  const rights = { pwd: password, roles: ['root'] };
  // On disk before the note says that it is there.
  const writeConcern = { w: 1, j: true };
  const command = users.length === 0 ? { createUser: name } : { updateUser: name };
  await admin.command({ ...command, ...rights, writeConcern });
}
