import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { definitions, envExample, withEnvTable } from './documents.ts';
import { roles, withRightsTables } from './rights.ts';

const FILES = {
  '.env.example': envExample(),
  'docs/settings.md': withEnvTable(readFileSync('docs/settings.md', 'utf8')),
  'docs/secured-servers.md': withRightsTables(readFileSync('docs/secured-servers.md', 'utf8')),
  'infra/rabbitmq/definitions.json': definitions(),
  'infra/mongodb/roles.json': roles(),
};
for (const [file, text] of Object.entries(FILES)) {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}
process.stdout.write(`${Object.keys(FILES).join(', ')}\n`);
