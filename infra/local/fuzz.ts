/** `npm run fuzz`: calls the API with what is made from its own document. Arguments go to test/fuzz/main.ts. */
import { runOnOwnServers } from './on-own-servers.ts';

await runOnOwnServers('fuzz', 'test/fuzz/main.ts');
