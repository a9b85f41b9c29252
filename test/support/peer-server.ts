import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Server } from '../../infra/chaos/cluster/server.ts';
import { leashed, waitUntil } from '../../infra/local/provision/server.ts';

/** A busy machine takes several times as long as an idle one. */
const READY_WITHIN_MS = 60_000;
const GRACE_MS = 3_000;

/** A server of others that runs: it ends with the test, however that ends. */
export interface PeerServer {
  /** What it has printed. */
  printed: () => string;
  stop: () => Promise<void>;
}

/** An empty folder for the files of a test's servers, where also users of their own can get to: they may not in the folder of a clone. */
export function peerFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `tidings-${name}-`));
  chmodSync(folder, 0o755);
  return folder;
}

/** Makes a folder that belongs to a user of the system. */
export function ownFolder(folder: string, user: string): void {
  mkdirSync(folder);
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((one) => one.startsWith(`${user}:`));
  const [, , uid, gid] = line?.split(':') ?? [];
  chownSync(folder, Number(uid), Number(gid));
}

/** Starts one that keeps its files in `folder`, which goes with it; resolves when something listens on the ports. */
export async function startPeerServer(server: {
  name: string;
  folder: string;
  command: string;
  args: readonly string[];
  env?: NodeJS.ProcessEnv;
  ports: readonly number[];
}): Promise<PeerServer> {
  const { name, folder, ports } = server;
  const printed = (): string => readFileSync(join(folder, `${name}.log`), 'utf8');
  const isUp = async (): Promise<boolean> => (await Promise.all(ports.map(listens))).every(Boolean);
  const process_ = new Server({
    spec: leashed({ ...server, graceMs: GRACE_MS }, process.cwd(), folder),
    dataDir: folder,
    ready: () => waitUntil(isUp, READY_WITHIN_MS, `${name} does not listen`),
  });
  const stop = async (): Promise<void> => {
    await process_.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await process_.start();
  } catch (thrown) {
    const words = printed();
    await stop();
    throw new Error(`${name} did not start: ${words.slice(-2_000)}`, { cause: thrown });
  }
  return { printed, stop };
}

/** Whether something takes connections on a loopback port. */
function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => {
      resolve(false);
    });
  });
}
