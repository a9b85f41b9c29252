/** `npm run bench`: measures the fleet beside its peers in one go. Arguments go to test/bench/main.ts. */
import { runOnOwnServers } from './on-own-servers.ts';

await runOnOwnServers('bench', 'test/bench/main.ts');
