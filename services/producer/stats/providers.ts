import type { Presence } from '../../../shared/contracts/index.ts';
import { HOUR } from '../../../shared/runtime/duration.ts';
import { ratesOf, type Rates } from '../../../shared/store/index.ts';
import type { ProducerContext } from '../context.ts';
import type { Stats } from './collect.ts';

type Delivery = NonNullable<Presence['delivery']>;
type Provider = Stats['providers'][number];

/** How each provider does: from what the consumers say of themselves, and from what the last hour has brought. */
export async function providerFigures({ presences, rates }: ProducerContext): Promise<Provider[]> {
  const [running, lastHour] = await Promise.all([
    presences.running(),
    rates.since('minute', new Date(Date.now() - HOUR)),
  ]);
  const deliveries = running.flatMap(({ delivery }) => delivery ?? []);
  const names = [...new Set(deliveries.map(({ provider }) => provider))].sort();
  return names.flatMap((name) => {
    const consumers = deliveries.filter(({ provider }) => provider === name);
    return figuresOf(name, consumers, lastHour) ?? [];
  });
}

function figuresOf(
  name: string,
  consumers: readonly Delivery[],
  lastHour: readonly Rates[],
): Provider | undefined {
  const [first] = consumers;
  if (!first) return undefined;
  const rates = lastHour.flatMap((one) => ratesOf(one, first.channel));
  const sum = (of: 'sent' | 'failed' | 'dead') => rates.reduce((total, one) => total + (one[of] ?? 0), 0);
  const failed = sum('failed') + sum('dead');
  const ended = failed + sum('sent');
  return {
    name,
    channel: first.channel,
    processes: consumers.length,
    is_paused: consumers.every(({ is_paused }) => is_paused),
    in_flight: consumers.reduce((total, { in_flight }) => total + in_flight, 0),
    breaker: worstOf(consumers),
    failed_per_hour: failed,
    error_rate: ended === 0 ? null : failed / ended,
  };
}

function worstOf(consumers: readonly Delivery[]): Delivery['breaker'] {
  const states = consumers.map(({ breaker }) => breaker);
  return (['open', 'half-open'] as const).find((state) => states.includes(state)) ?? 'closed';
}
