import { z } from 'zod';
import { DEAD_LETTER_QUEUE, PARKING_QUEUE, waitQueue, workQueue } from '../../../shared/broker/index.ts';
import {
  CHANNEL_NAMES,
  LANES,
  STATUSES,
  type Channel,
  type Status,
} from '../../../shared/contracts/index.ts';
import {
  countUnpublished,
  sumOver,
  totalOf,
  type Counts,
  type Quarantined,
} from '../../../shared/store/index.ts';
import type { ProducerContext } from '../context.ts';
import { CountsReader } from './current-counts.ts';
import { oldestAges } from './oldest-ages.ts';
import { providerFigures } from './providers.ts';
import { SharedFigure } from './shared-figure.ts';

const counts = z.partialRecord(z.enum(STATUSES), z.int());
const queueSchema = z.object({
  name: z.string(),
  ready: z.int().nullable().describe('null: the broker could not be asked'),
  unacknowledged: z.int().nullable().describe('null: only the management API knows'),
  consumers: z.int().nullable(),
  oldest_age_seconds: z
    .number()
    .nullable()
    .describe(
      'Of the work queues and the dead letters: since when the longest accepted one has been in this state; null: none is',
    ),
});
const providerSchema = z.object({
  name: z.string(),
  channel: z.enum(CHANNEL_NAMES),
  processes: z.int().describe('Consumers that hand over to it'),
  is_paused: z.boolean(),
  in_flight: z
    .int()
    .describe('Handed over and not answered; of the only provider of its channel, claimed and not recorded'),
  concurrency_limit: z
    .int()
    .nullable()
    .describe(
      'Deliveries at once of the most limited process: the provider refused more, and the limit rises again by itself; null: it refused none',
    ),
  breaker: z.enum(['closed', 'half-open', 'open']).describe('The worst one of these processes'),
  fault_ratio: z
    .number()
    .describe("Share of the provider's own faults among the last outcomes, of the worst process"),
  sent: z
    .int()
    .describe('What it took since these processes started; those that our own store carries are not counted'),
  failing_over_since: z.iso
    .datetime()
    .nullable()
    .describe('Since when another provider carries what is its; null: it is not down, or there is no other'),
  failed_per_hour: z
    .int()
    .describe(
      'In the last 60 minutes. Of the only provider of its channel: attempts put back for a retry, and notifications given up; of one of several: attempts that it did not take, also where the next one did, since its consumers started',
    ),
  error_rate: z.number().nullable().describe('Those, divided by all that ended; null: none did'),
});

/** What `/stats` answers. */
export const statsSchema = z
  .object({
    as_of: z.iso.datetime().describe('When the counts were true; queue depths are of now'),
    stale_since: z.iso
      .datetime()
      .nullable()
      .describe(
        'null: the scheduler keeps the counts. Otherwise: since when it does not; as_of says when they were last counted',
      ),
    total: z.int().describe('Notifications in the store'),
    by_status: counts,
    by_type: z.partialRecord(z.enum(CHANNEL_NAMES), counts),
    unpublished: z
      .int()
      .describe('Stored, and not yet confirmed by RabbitMQ; a million where there are more'),
    ambiguous: z.object({
      attempts: z.int().describe('Attempts whose outcome is unknown'),
      per_sent: z.number().describe('Those, divided by the sent ones'),
    }),
    queues: z.array(queueSchema),
    providers: z.array(providerSchema),
    switched: z
      .array(z.object({ what: z.string(), by: z.string(), reason: z.string(), since: z.iso.datetime() }))
      .describe('What operators have paused, such as channel:email; accepting: the fleet drains'),
    quarantined: z
      .int()
      .describe(
        'Records that MongoDB refuses to write and that wait for a person; not counted in by_status and by_type',
      ),
    documents: z.int().describe('Records by the count that MongoDB itself keeps; total comes from the books'),
    balance: z.array(
      z.object({
        what: z.string(),
        records: z.int(),
        messages: z.int().nullable(),
        drift: z.int().nullable().describe('records minus messages; null: the broker could not be asked'),
      }),
    ),
  })
  .meta({ id: 'Stats' });

/** The state of the whole, at a glance. */
export type Stats = z.output<typeof statsSchema>;

/** What all who ask one producer share. */
interface SharedFigures {
  counts: CountsReader;
  unpublished: SharedFigure<number>;
}

/** One for each producer, also where there are several in a process. */
const figures = new WeakMap<ProducerContext, SharedFigures>();

function sharedFigures(context: ProducerContext): SharedFigures {
  const shared = figures.get(context) ?? {
    counts: new CountsReader(context),
    unpublished: new SharedFigure(() => countUnpublished(context.notifications)),
  };
  figures.set(context, shared);
  return shared;
}

/** Asks the store and the broker. RabbitMQ may be away: its figures are null then. */
export async function collectStats(context: ProducerContext): Promise<Stats> {
  const shared = sharedFigures(context);
  const [balance, entries, unpublished, queues, providers, switched, documents] = await Promise.all([
    shared.counts.read(),
    context.notifications.quarantine.list(),
    shared.unpublished.read(),
    queueFigures(context),
    providerFigures(context),
    context.controls.active(),
    context.notifications.estimatedDocumentCount(),
  ]);
  const { ambiguous, asOf, staleSince } = balance;
  const counts = withoutQuarantined(balance.counts, entries);
  const byStatus = sumOver(counts);
  const sent = (byStatus.sent ?? 0) + (byStatus.delivered ?? 0) + (byStatus.bounced ?? 0);
  return {
    as_of: asOf.toISOString(),
    stale_since: staleSince?.toISOString() ?? null,
    total: totalOf(balance.counts),
    by_status: byStatus,
    by_type: Object.fromEntries(CHANNEL_NAMES.map((type) => [type, counts[type] ?? {}])),
    unpublished,
    ambiguous: { attempts: ambiguous, per_sent: sent === 0 ? 0 : ambiguous / sent },
    queues,
    providers,
    switched: switched.map(({ _id: what, by, reason, since }) => ({
      what,
      by,
      reason,
      since: since.toISOString(),
    })),
    quarantined: entries.filter(({ discarded_at }) => !discarded_at).length,
    documents,
    balance: balanceOf(counts, queues, context),
  };
}

/** Takes quarantined records out of the status that they could not leave. One that a person discarded counts as discarded. */
function withoutQuarantined(counts: Counts, entries: readonly Quarantined[]): Counts {
  const left = structuredClone(counts);
  for (const { type, status, discarded_at } of entries) {
    const ofType = (left[type] ??= {});
    ofType[status] = Math.max(0, (ofType[status] ?? 0) - 1);
    if (discarded_at) ofType.discarded = (ofType.discarded ?? 0) + 1;
  }
  return left;
}

/** Depths come from the broker at once; who consumes, and what is unacknowledged, only its management API knows, some seconds later. */
async function queueFigures({
  broker,
  management,
  notifications,
}: ProducerContext): Promise<Stats['queues']> {
  const [figures, depths, ages] = await Promise.all([
    management?.queues().catch(() => []) ?? [],
    Promise.all(broker.topology.queues.map(({ name }) => broker.depth(name))),
    oldestAges(notifications),
  ]);
  return broker.topology.queues.map(({ name }, index) => {
    const known = figures.find((figure) => figure.name === name);
    return {
      name,
      ready: depths[index] ?? null,
      unacknowledged: known?.messages_unacknowledged ?? null,
      consumers: known?.consumers ?? null,
      oldest_age_seconds: ages.get(name) ?? null,
    };
  });
}

/** Holds the records that wait against the messages that wait. A message on its way is in neither book for a moment. */
function balanceOf(counts: Counts, queues: Stats['queues'], { config }: ProducerContext): Stats['balance'] {
  const records = (status: Status, types: readonly Channel[] = CHANNEL_NAMES): number =>
    types.reduce((sum, type) => sum + (counts[type]?.[status] ?? 0), 0);
  const line = (what: string, count: number, names: string[]): Stats['balance'][number] => {
    const messages = messagesIn(queues, names);
    return { what, records: count, messages, drift: messages === null ? null : count - messages };
  };
  const tiers = [...new Set(config.RETRY_DELAYS)];
  return [
    ...CHANNEL_NAMES.flatMap((type) => [
      line(
        `${type}: pending and sending`,
        records('pending', [type]) + records('sending', [type]),
        LANES.map((lane) => workQueue(type, lane)),
      ),
      line(
        `${type}: waiting to retry`,
        records('failed', [type]),
        tiers.map((ms) => waitQueue(type, ms)),
      ),
    ]),
    line('dead letters', records('failed_permanently'), [DEAD_LETTER_QUEUE]),
    line('parked messages', 0, [PARKING_QUEUE]),
  ];
}

function messagesIn(queues: Stats['queues'], names: readonly string[]): number | null {
  let sum = 0;
  for (const queue of queues.filter(({ name }) => names.includes(name))) {
    if (queue.ready === null) return null;
    sum += queue.ready + (queue.unacknowledged ?? 0);
  }
  return sum;
}
