import { describe, expect, test } from 'vitest';
import { readyBlock } from '../../../infra/local/ready-block.ts';
import type { Fleet } from '../../../infra/local/fleet.ts';

/** Secrets by where they stand, each to be found in a text. */
const SECRETS = { rabbitmq: 'amqp-secret', management: 'management-secret', apiKey: 'api-key-secret' };
const fleet = (more: Partial<Fleet> = {}): Fleet => ({
  address: 'http://127.0.0.1:3000',
  grpcAddress: undefined,
  apiKey: SECRETS.apiKey,
  isApiKeyGiven: false,
  sandboxUrl: undefined,
  sandboxed: [],
  rabbitmqUrl: `amqp://user:${SECRETS.rabbitmq}@127.0.0.1:5672`,
  managementUrl: `http://user:${SECRETS.management}@127.0.0.1:15672`,
  isRabbitmqNamed: false,
  readiness: {},
  processes: [],
  ...more,
});
const shown = (more: Partial<Fleet>): string[] => {
  const block = readyBlock(fleet(more), undefined, 1_000);
  return Object.values(SECRETS).filter((secret) => block.includes(secret));
};

describe('the ready block', () => {
  test('prints credentials that were made here', () => {
    expect(shown({})).toEqual(Object.values(SECRETS));
  });

  test('prints no password of a RabbitMQ that was named', () => {
    expect(shown({ isRabbitmqNamed: true })).toEqual([SECRETS.apiKey]);
    const nodes = `amqp://a:${SECRETS.rabbitmq}@one:1,amqp://a:${SECRETS.rabbitmq}@two:2`;
    expect(shown({ isRabbitmqNamed: true, rabbitmqUrl: nodes })).toEqual([SECRETS.apiKey]);
    const block = readyBlock(fleet({ isRabbitmqNamed: true }), undefined, 1_000);
    expect(block).toContain('http://127.0.0.1:15672/   the login of RABBITMQ_MANAGEMENT_URL');
  });

  test('prints no key that was given, nor in the command, which takes it from the environment', () => {
    expect(shown({ isApiKeyGiven: true })).toEqual([SECRETS.rabbitmq, SECRETS.management]);
    const block = readyBlock(fleet({ isApiKeyGiven: true }), undefined, 1_000);
    expect(block).toMatch(/^ {2}API key +the one of API_KEY$/m);
    expect(block).toContain('"authorization: Bearer $API_KEY"');
  });

  test('says for which providers the sandbox delivers', () => {
    const block = readyBlock(
      fleet({ sandboxUrl: 'http://127.0.0.1:1', sandboxed: ['smtp', 'twilio'] }),
      undefined,
      1_000,
    );
    expect(block).toMatch(/Sandbox mailbox .*instead of smtp and twilio: nobody receives anything/);
  });
});
