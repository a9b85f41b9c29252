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

/** Sets the shield policy on the virtual host of an AMQP address. Answers what went wrong, if anything: the fleet runs without it, less safe. */
export async function setShieldPolicy(managementUrl: string, amqpUrl: string): Promise<string | undefined> {
  const base = new URL(managementUrl);
  const authorization = `Basic ${Buffer.from(`${decodeURIComponent(base.username)}:${decodeURIComponent(base.password)}`).toString('base64')}`;
  const vhost = encodeURIComponent(decodeURIComponent(new URL(amqpUrl).pathname.slice(1)) || '/');
  const { name, ...policy } = SHIELD_POLICY;
  try {
    const response = await fetch(`${base.origin}/api/policies/${vhost}/${name}`, {
      method: 'PUT',
      headers: { authorization, 'content-type': 'application/json' },
      body: JSON.stringify(policy),
      signal: AbortSignal.timeout(5_000),
    });
    return response.ok ? undefined : `the management API answers ${response.status}`;
  } catch (thrown) {
    return toError(thrown).message;
  }
}
