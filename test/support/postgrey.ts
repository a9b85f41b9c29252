import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../infra/local/ports.ts';
import { ownFolder, peerFolder, startPeerServer } from './peer-server.ts';

/** A postgrey that runs. */
export interface Postgrey {
  /** As `smtpd_recipient_restrictions` of Postfix names it. */
  restriction: string;
  stop: () => Promise<void>;
}

/** Starts postgrey, as root: whoever comes for the first time is refused for `delaySeconds`; mail to `known` passes at once. */
export async function startPostgrey(
  program: string,
  { delaySeconds, known }: { delaySeconds: number; known: string },
): Promise<Postgrey> {
  const folder = peerFolder('postgrey');
  const port = await freePort();
  const database = join(folder, 'database');
  ownFolder(database, 'postgrey');
  const recipients = join(folder, 'recipients');
  writeFileSync(recipients, `${known}\n`);
  const own = [`--inet=127.0.0.1:${port}`, `--dbdir=${database}`, `--whitelist-recipients=${recipients}`];
  const server = await startPeerServer({
    name: 'postgrey',
    folder,
    command: program,
    // It never learns that it knows us.
    args: [
      ...own,
      `--delay=${delaySeconds}`,
      '--auto-whitelist-clients=0',
      '--user=postgrey',
      '--group=postgrey',
    ],
    ports: [port],
  });
  return { restriction: `check_policy_service inet:127.0.0.1:${port}`, stop: () => server.stop() };
}
