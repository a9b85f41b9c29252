import type { Channel, Presence, ProviderStanding } from '../../../shared/contracts/index.ts';
import { HOUR } from '../../../shared/runtime/duration.ts';
import { ratesOf, type Rates } from '../../../shared/store/index.ts';
import type { ProducerContext } from '../context.ts';
import type { Stats } from './collect.ts';

/** What one consumer says of one provider. */
type Standing = ProviderStanding & {
  channel: Channel;
  /** Whether another provider of the channel carries. */
  is_covered: boolean;
  is_only: boolean;
};
type Provider = Stats['providers'][number];

/** How each provider does: from what the consumers say of themselves, and from what the last hour has brought. */
export async function providerFigures({ presences, rates }: ProducerContext): Promise<Provider[]> {
  const [running, lastHour] = await Promise.all([
    presences.running(),
    rates.since('minute', new Date(Date.now() - HOUR)),
  ]);
  const standings = running.flatMap(({ delivery }) => (delivery ? standingsOf(delivery) : []));
  const names = [...new Set(standings.map(({ name }) => name))].sort();
  return names.flatMap((name) => {
    const consumers = standings.filter((one) => one.name === name);
    return figuresOf(name, consumers, lastHour) ?? [];
  });
}

function standingsOf(delivery: NonNullable<Presence['delivery']>): Standing[] {
  const { channel, is_paused, providers } = delivery;
  return providers.map((one) => ({
    ...one,
    channel,
    is_only: providers.length === 1,
    is_paused: one.is_paused || is_paused,
    is_covered: providers.some(
      ({ name, breaker, is_paused: isOut }) => name !== one.name && breaker === 'closed' && !isOut,
    ),
  }));
}

function figuresOf(
  name: string,
  consumers: readonly Standing[],
  lastHour: readonly Rates[],
): Provider | undefined {
  const [first] = consumers;
  if (!first) return undefined;
  const { sent, failed } = endedOf(consumers, lastHour);
  const ended = sent + failed;
  return {
    name,
    channel: first.channel,
    processes: consumers.length,
    is_paused: consumers.every(({ is_paused }) => is_paused),
    in_flight: consumers.reduce((total, { in_flight }) => total + in_flight, 0),
    concurrency_limit: lowestLimitOf(consumers),
    breaker: worstOf(consumers),
    fault_ratio: Math.max(...consumers.map(({ fault_ratio }) => fault_ratio)),
    sent: consumers.reduce((total, { sent }) => total + sent, 0),
    failing_over_since: failingOverSince(consumers)?.toISOString() ?? null,
    failed_per_hour: failed,
    error_rate: ended === 0 ? null : failed / ended,
  };
}

/** Of the only provider the books of its channel tell, which outlive a consumer; of several each consumer knows what it handed to whom. */
function endedOf(
  consumers: readonly Standing[],
  lastHour: readonly Rates[],
): { sent: number; failed: number } {
  const [first] = consumers;
  if (!first || consumers.some(({ is_only }) => !is_only))
    return sumOf(consumers.map((one) => one.last_hour));
  const rates = lastHour.flatMap((one) => ratesOf(one, first.channel));
  return sumOf(rates.map(({ sent = 0, failed = 0, dead = 0 }) => ({ sent, failed: failed + dead })));
}

function sumOf(all: readonly { sent: number; failed: number }[]): { sent: number; failed: number } {
  const sum = (of: 'sent' | 'failed'): number => all.reduce((total, one) => total + one[of], 0);
  return { sent: sum('sent'), failed: sum('failed') };
}

function failingOverSince(consumers: readonly Standing[]): Date | undefined {
  const since = consumers.flatMap(({ down_since, is_covered }) => (is_covered ? (down_since ?? []) : []));
  return since.sort((a, b) => a.getTime() - b.getTime())[0];
}

function lowestLimitOf(consumers: readonly Standing[]): number | null {
  const limits = consumers.flatMap(({ concurrency_limit: limit }) => limit ?? []);
  return limits.length === 0 ? null : Math.min(...limits);
}

function worstOf(consumers: readonly Standing[]): Standing['breaker'] {
  const states = consumers.map(({ breaker }) => breaker);
  return (['open', 'half-open'] as const).find((state) => states.includes(state)) ?? 'closed';
}
