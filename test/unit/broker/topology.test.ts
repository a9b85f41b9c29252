import { expect, test } from 'vitest';
import { auditPolicies, routingKey, topologyOf, waitQueue, workQueue } from '../../../shared/broker/index.ts';
import { readConfig } from '../../../shared/runtime/config.ts';

const { queues, bindings } = topologyOf(readConfig({}).RETRY_DELAYS);
const argumentsOf = (name: string) => queues.find((queue) => queue.name === name)?.arguments;

test('every queue is a quorum queue with a delivery limit or a time to live', () => {
  for (const queue of queues) {
    expect(queue.arguments['x-queue-type']).toBe('quorum');
    expect(queue.arguments['x-delivery-limit'] ?? queue.arguments['x-message-ttl']).toBeGreaterThan(0);
  }
});

test('what dead-letters, does so at least once: the three arguments that this needs are together', () => {
  for (const { arguments: args } of queues.filter((queue) => 'x-dead-letter-exchange' in queue.arguments))
    expect(args).toMatchObject({ 'x-dead-letter-strategy': 'at-least-once', 'x-overflow': 'reject-publish' });
});

test('a wait queue sends its messages back under their own key', () => {
  expect(argumentsOf(waitQueue('email', 30_000))).toEqual({
    'x-queue-type': 'quorum',
    'x-message-ttl': 30_000,
    'x-dead-letter-exchange': 'tidings.v1',
    'x-dead-letter-strategy': 'at-least-once',
    'x-overflow': 'reject-publish',
  });
});

test('a retry keeps its lane: its key matches its own work queue and no other', () => {
  const key = routingKey('email', 'bulk', 30_000);
  const matching = bindings.filter(
    ({ exchange, key: pattern }) => exchange === 'tidings.v1' && matches(pattern, key),
  );
  expect(matching.map(({ queue }) => queue)).toEqual([workQueue('email', 'bulk')]);
});

test('equal delays share one wait queue', () => {
  const names = topologyOf([1000, 1000, 1000]).queues.map(({ name }) => name);
  expect(names.filter((name) => name.includes('email.wait'))).toEqual(['tidings.v1.email.wait.1s']);
});

test('the audit names a policy that would drop or expire our messages', () => {
  const queue = {
    name: 'tidings.v1.email',
    messages_ready: 0,
    messages_unacknowledged: 0,
    consumers: 1,
    arguments: {},
  };
  expect(
    auditPolicies([{ ...queue, effective_policy_definition: { 'queue-leader-locator': 'balanced' } }]).ok,
  ).toBe(true);
  expect(auditPolicies([{ ...queue, effective_policy_definition: { overflow: 'drop-head' } }])).toMatchObject(
    {
      ok: false,
      detail: expect.stringContaining('overflow on tidings.v1.email') as string,
    },
  );
});

/** A topic pattern as RabbitMQ reads it. */
function matches(pattern: string, key: string): boolean {
  const source = pattern.replaceAll('.', '\\.').replaceAll('*', '[^.]+').replace('\\.#', '(\\..*)?');
  return new RegExp(`^${source}$`).test(key);
}
