import type { Request, RequestHandler } from 'express';
import { waitQueue } from '../../../shared/broker/index.ts';
import { CHANNEL_NAMES, type Status } from '../../../shared/contracts/index.ts';
import { MINUTE, formatDuration } from '../../../shared/runtime/duration.ts';
import { ratesOf } from '../../../shared/store/index.ts';
import type { ProducerContext } from '../context.ts';
import { BalanceWatch } from '../stats/balance-watch.ts';
import { collectStats, type Stats } from '../stats/collect.ts';
import { RANGES, seriesOf, type Range } from '../stats/series.ts';
import { render } from './pages.ts';

/** The figures for people, under the address where machines get them as JSON. */
export function statsPage(context: ProducerContext): RequestHandler {
  return async function showStats(request, response) {
    const range = rangeOf(request);
    const [figures, series] = await Promise.all([figuresOf(context), seriesOf(context.rates, range)]);
    await render(response, 'stats', {
      title: 'Stats · Tidings',
      ...figures,
      series,
      ranges: Object.keys(RANGES),
    });
  };
}

/** The part of the page that changes every few seconds, for its script. */
export function statsFragment(context: ProducerContext): RequestHandler {
  return async function showStatsFragment(_request, response) {
    await render(response, 'partials/stats-figures', await figuresOf(context));
  };
}

/** What the charts show, for their script. */
export function statsSeries({ rates }: ProducerContext): RequestHandler {
  return async function sendSeries(request, response) {
    response.set('cache-control', 'no-store').json(await seriesOf(rates, rangeOf(request)));
  };
}

function rangeOf({ query }: Request): Range {
  const wanted = (Object.keys(RANGES) as Range[]).find((range) => range === query.range);
  return wanted ?? 'hour';
}

/** One for each producer, also where there are several in a process. */
const watches = new WeakMap<ProducerContext, BalanceWatch>();

function watchOf(context: ProducerContext): BalanceWatch {
  const watch = watches.get(context) ?? new BalanceWatch();
  watches.set(context, watch);
  return watch;
}

async function figuresOf(context: ProducerContext): Promise<object> {
  const since = new Date(Date.now() - 2 * MINUTE);
  const [stats, lately] = await Promise.all([collectStats(context), context.rates.since('minute', since)]);
  const accepted = lately.flatMap((one) => ratesOf(one)).reduce((sum, one) => sum + (one.accepted ?? 0), 0);
  return {
    stats,
    ladder: ladderOf(stats, context.config.RETRY_DELAYS),
    accepted: acceptedLine(stats, accepted, watchOf(context)),
  };
}

/** How many wait in each tier of the retry ladder, by channel; null where the broker could not be asked. */
function ladderOf({ queues }: Stats, delays: readonly number[]): object {
  const waiting = (name: string) => queues.find((queue) => queue.name === name)?.ready ?? null;
  const tiers = [...new Set(delays)].map((ms) => ({
    delay: formatDuration(ms),
    channels: CHANNEL_NAMES.map((type) => ({ type, waiting: waiting(waitQueue(type, ms)) })),
  }));
  const counts = tiers.flatMap(({ channels }) => channels.map((one) => one.waiting ?? 0));
  return { tiers, most: Math.max(1, ...counts) };
}

/** Which states make which term of the balance line, in the words that the rest of the page has for them. */
const TERMS: readonly [string, readonly Status[]][] = [
  ['sent', ['sent']],
  ['delivered', ['delivered']],
  ['on their way', ['pending', 'sending']],
  ['waiting to retry', ['failed']],
  ['scheduled or held', ['scheduled', 'held']],
  ['dead letters', ['failed_permanently']],
  ['bounced', ['bounced']],
  ['with an unknown outcome, for a person to decide', ['outcome_unknown']],
  ['suppressed, expired, canceled or discarded', ['suppressed', 'expired', 'canceled', 'discarded']],
];

/** Holds the books against the number of records that MongoDB itself keeps: nothing that was accepted is in no state. */
function acceptedLine(
  { by_status, quarantined, documents }: Stats,
  lately: number,
  watch: BalanceWatch,
): object {
  const ofStatuses = TERMS.map(([words, statuses]) => ({
    words,
    count: statuses.reduce((sum, status) => sum + (by_status[status] ?? 0), 0),
  }));
  const terms = [...ofStatuses, { words: 'in quarantine', count: quarantined }];
  const occurring = terms.filter(({ count }, index) => index === 0 || count > 0);
  const drift = documents - terms.reduce((sum, { count }) => sum + count, 0);
  return { documents, terms: occurring, drift, verdict: watch.judge(drift, lately) };
}
