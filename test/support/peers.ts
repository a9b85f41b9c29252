import { PEER_PROGRAMS, type PeerName } from '../../infra/local/provision/peers.ts';

/** The path of a peer's program; undefined where it could not be had, which `npm run check:peers` and `npm test` have said. */
export function peerProgram(name: PeerName): string | undefined {
  return (JSON.parse(process.env[PEER_PROGRAMS] ?? '{}') as Partial<Record<PeerName, string>>)[name];
}
