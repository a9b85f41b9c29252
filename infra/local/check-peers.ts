/** `npm run check:peers`: the services beside real programs of others. Arguments are files of tests. */
import { runOnOwnServers } from './on-own-servers.ts';

await runOnOwnServers('check:peers', 'test/peers/main.ts');
