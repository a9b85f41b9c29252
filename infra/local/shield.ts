import { ManagementApi } from '../../shared/broker/index.ts';
import { toError } from '../../shared/runtime/errors.ts';

/**
 * Our own policy on our own queues, of a high priority: only one policy applies to a queue, so a broad one of somebody else (`drop-head`,
 * `message-ttl`) cannot. It says nothing but where leaders go.
 */
export const SHIELD_POLICY = {
  name: 'tidings-shield',
  pattern: '^tidings\\.',
  'apply-to': 'queues',
  priority: 1000,
  definition: { 'queue-leader-locator': 'balanced' },
} as const;

/** Sets the shield policy on the virtual host of a RABBITMQ_URL. Answers what went wrong, if anything: the fleet runs without it, less safe. */
export async function setShieldPolicy(managementUrl: string, amqpUrl: string): Promise<string | undefined> {
  const { name, ...policy } = SHIELD_POLICY;
  try {
    await new ManagementApi(managementUrl, amqpUrl).setPolicy(name, policy);
    return undefined;
  } catch (thrown) {
    return toError(thrown).message;
  }
}
