import { z } from 'zod';
import { SECOND } from '../runtime/duration.ts';
import type { Check, CheckResult } from '../runtime/health.ts';
import { rabbitmqUrlOf } from '../runtime/rabbitmq-url.ts';

/** How long the management API may take, in milliseconds. */
const TIMEOUT_MS = 3 * SECOND;

const queueSchema = z.object({
  name: z.string(),
  messages_ready: z.number().default(0),
  messages_unacknowledged: z.number().default(0),
  consumers: z.number().default(0),
  arguments: z.record(z.string(), z.unknown()).default({}),
  effective_policy_definition: z
    .union([z.record(z.string(), z.unknown()), z.array(z.never()).transform(() => ({}))])
    .nullish(),
});

/** What the management API says about a queue. */
export type QueueFigures = z.output<typeof queueSchema>;

/** Keys of a policy that would change what our queues promise. */
const HARMFUL_KEYS = ['overflow', 'message-ttl', 'delivery-limit', 'expires', 'dead-letter-strategy'];

/** The management API of RabbitMQ, for figures and for the policy audit. */
export class ManagementApi {
  readonly #base: URL;
  readonly #vhost: string;
  readonly #authorization: string;

  /** `managementUrl` carries user and password; the virtual host is that of `amqpUrl`. */
  constructor(managementUrl: string, amqpUrl: string) {
    this.#base = new URL(managementUrl);
    const { username, password } = this.#base;
    const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
    this.#authorization = `Basic ${Buffer.from(credentials).toString('base64')}`;
    this.#base.username = '';
    this.#base.password = '';
    this.#vhost = encodeURIComponent(rabbitmqUrlOf(amqpUrl).vhost);
  }

  /** Our queues with their figures, which the broker refreshes every 5 s. @throws when the API cannot be asked. */
  async queues(): Promise<QueueFigures[]> {
    const columns = Object.keys(queueSchema.shape).join(',');
    const json = await this.#get(`api/queues/${this.#vhost}?columns=${columns}`);
    return z
      .array(queueSchema)
      .parse(json)
      .filter((queue) => queue.name.startsWith('tidings.'));
  }

  /** The version of the broker. */
  async version(): Promise<string> {
    return z.object({ rabbitmq_version: z.string() }).parse(await this.#get('api/overview')).rabbitmq_version;
  }

  /** Sets a policy on the virtual host. @throws when the API cannot be asked, or refuses it. */
  async setPolicy(name: string, policy: object): Promise<void> {
    const path = `api/policies/${this.#vhost}/${encodeURIComponent(name)}`;
    await this.#call(path, { method: 'PUT', body: JSON.stringify(policy) });
  }

  async #get(path: string): Promise<unknown> {
    return (await this.#call(path)).json();
  }

  async #call(path: string, request: { method?: string; body?: string } = {}): Promise<Response> {
    const base = this.#base.href.endsWith('/') ? this.#base.href : `${this.#base.href}/`;
    const response = await fetch(new URL(path, base), {
      ...request,
      headers: { authorization: this.#authorization, 'content-type': 'application/json' },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (!response.ok) throw new Error(`the management API answers ${response.status}`);
    return response;
  }
}

/** Looks for policies that would make our queues drop or expire messages. An operator's broad policy can do that to a queue that says otherwise. */
export function auditPolicies(queues: readonly QueueFigures[]): CheckResult {
  const harmed = queues.flatMap(({ name, effective_policy_definition: policy }) =>
    HARMFUL_KEYS.filter((key) => policy && key in policy).map((key) => `${key} on ${name}`),
  );
  if (harmed.length === 0) return { ok: true };
  return {
    ok: false,
    detail: `a broker policy breaks the delivery promises: ${harmed.slice(0, 5).join(', ')}`,
  };
}

/** The policy audit as a health check. */
export function policyCheck(management: ManagementApi): Check {
  return async () => auditPolicies(await management.queues());
}
