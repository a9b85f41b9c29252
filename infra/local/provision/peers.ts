import { toError } from '../../../shared/runtime/errors.ts';
import { installedProgram, unpackedProgram } from './debian-programs.ts';
import { buildGoFolder, buildGoModule } from './go-programs.ts';

/** A program that the fleet is tested with, and how it is provided. */
interface Peer {
  /** Whether `npm test` provides it, too: it takes seconds. */
  isQuick: boolean;
  /** Answers the path of its program. @throws ProvisionError where it cannot be had. */
  provide: (toolsDir: string) => Promise<string>;
}

/** The mail server, and the tool that sets the passwords of its users. */
const POSTFIX = {
  packages: ['postfix', 'sasl2-bin', 'libsasl2-modules'],
  programs: ['postfix', 'saslpasswd2'],
  // Without an answer to its one question, the package sets up a mail server for the whole machine.
  answers: ['postfix postfix/main_mailer_type select No configuration'],
} as const;

/** The peers by name. */
export const PEERS = {
  nginx: quick((dir) => unpackedProgram(dir, { package: 'nginx', program: 'usr/sbin/nginx' })),
  'amqp-publish': quick((dir) =>
    unpackedProgram(dir, { package: 'amqp-tools', program: 'usr/bin/amqp-publish' }),
  ),
  curl: quick((dir) => unpackedProgram(dir, { package: 'curl', program: 'usr/bin/curl' })),
  promtool: quick((dir) => unpackedProgram(dir, { package: 'prometheus', program: 'usr/bin/promtool' })),
  postfix: slow(() => installedProgram(POSTFIX)),
  postgrey: slow(() => installedProgram({ packages: ['postgrey'], programs: ['postgrey'] })),
  mailpit: slow((dir) => buildGoModule(dir, 'github.com/axllent/mailpit@v1.33.1')),
  grpcurl: slow((dir) => buildGoModule(dir, 'github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.4')),
  'amqp-go': slow((dir) => buildGoFolder(dir, 'test/peers/amqp-go')),
} as const satisfies Record<string, Peer>;

/** The name of a peer. */
export type PeerName = keyof typeof PEERS;

/** The variable that tells the tests where the programs are: JSON, name → path. */
export const PEER_PROGRAMS = 'PEER_PROGRAMS';

/**
 * Provides the peers, all or the quick ones, and says in one line each which cannot be had and why; answers the environment that says where
 * they are. Never throws.
 */
export async function providePeers(
  toolsDir: string,
  { quickOnly, say }: { quickOnly: boolean; say: (words: string) => void },
): Promise<NodeJS.ProcessEnv> {
  const all = Object.entries(PEERS) as [PeerName, Peer][];
  const programs: Partial<Record<PeerName, string>> = {};
  // One after the other: two package managers would wait for each other, and two compilers for the processor.
  for (const [name, { provide }] of all.filter(([, { isQuick }]) => isQuick || !quickOnly))
    try {
      programs[name] = await provide(toolsDir);
    } catch (thrown) {
      say(`· ${name}: none, so the tests with it are skipped (${oneLine(thrown)})`);
    }
  const others = all.filter(([, { isQuick }]) => !isQuick && quickOnly).map(([name]) => name);
  if (others.length > 0) say(`· ${others.join(', ')}: tested by npm run check:peers only`);
  return { [PEER_PROGRAMS]: JSON.stringify(programs) };
}

function quick(provide: Peer['provide']): Peer {
  return { isQuick: true, provide };
}

function slow(provide: Peer['provide']): Peer {
  return { isQuick: false, provide };
}

function oneLine(thrown: unknown): string {
  return toError(thrown).message.replace(/\s+/g, ' ').trim();
}
