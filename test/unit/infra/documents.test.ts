import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { definitions, envExample, withEnvTable } from '../../../infra/generate/documents.ts';
import { roles, withRightsTables } from '../../../infra/generate/rights.ts';
import { configSchema, readConfig } from '../../../shared/runtime/config.ts';

const MEND = 'run npm run generate';

test('.env.example is what the schema says', () => {
  expect(readFileSync('.env.example', 'utf8'), MEND).toBe(envExample());
});

test('.env.example taken as it is, comment signs off, is a valid environment that changes nothing', () => {
  const lines = envExample()
    .split('\n')
    .flatMap((line) => /^# ([A-Z_]+)=(.*)$/.exec(line) ?? []);
  const env = Object.fromEntries(
    lines.flatMap((_, index) => (index % 3 === 0 ? [[lines[index + 1] ?? '', lines[index + 2] ?? '']] : [])),
  );
  expect(Object.keys(env)).toEqual(Object.keys(configSchema.shape));
  expect(readConfig(env as Record<string, string>)).toEqual(readConfig({}));
});

test('the table of settings is what the schema says', () => {
  const document = readFileSync('docs/settings.md', 'utf8');
  expect(document, MEND).toBe(withEnvTable(document));
});

test('definitions.json is what the topology says', () => {
  expect(readFileSync('infra/rabbitmq/definitions.json', 'utf8'), MEND).toBe(definitions());
});

test('roles.json is what the services do', () => {
  expect(readFileSync('infra/mongodb/roles.json', 'utf8'), MEND).toBe(roles());
});

test('the tables of who may do what are what the servers are told', () => {
  const document = readFileSync('docs/secured-servers.md', 'utf8');
  expect(document, MEND).toBe(withRightsTables(document));
});

test('every setting says what it means', () => {
  for (const [name, schema] of Object.entries(configSchema.shape))
    expect([name, (schema.description ?? '').length > 10]).toEqual([name, true]);
});

test('every test that docs/security.md names is there, and no place is left to be filled in', () => {
  const document = readFileSync('docs/security.md', 'utf8');
  const named = [...document.matchAll(/`((?:test\/[\w/-]+\/)?[\w-]+\.test\.ts)`/g)].map(
    ([, name = '']) => name,
  );
  expect(named.length).toBeGreaterThan(20);
  const missing = named
    .map((name) => (name.includes('/') ? name : `test/integration/producer/${name}`))
    .filter((file) => !existsSync(file));
  expect(missing).toEqual([]);
  expect(document).not.toMatch(/TODO|[A-Z]+_FIGURES/);
});
