import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { definitions, envExample, withEnvTable } from './documents.ts';

writeFileSync('.env.example', envExample());
writeFileSync('README.md', withEnvTable(readFileSync('README.md', 'utf8')));
mkdirSync('infra/rabbitmq', { recursive: true });
writeFileSync('infra/rabbitmq/definitions.json', definitions());
process.stdout.write('.env.example, the table in README.md, infra/rabbitmq/definitions.json\n');
