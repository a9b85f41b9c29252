import { z } from 'zod';
import { DEAD_LETTER_QUEUE, PARKING_QUEUE, waitQueue, workQueue } from '../../../shared/broker/index.ts';
import {
  CHANNEL_NAMES,
  LANES,
  STATUSES,
  type Channel,
  type Status,
} from '../../../shared/contracts/index.ts';
import { SECOND } from '../../../shared/runtime/duration.ts';
import {
  countAll,
  countUnpublished,
  sumOver,
  totalOf,
  type Balance,
  type Counts,
} from '../../../shared/store/index.ts';
import type { ProducerContext } from '../context.ts';
import { operation, type Operation } from './operation.ts';

const counts = z.partialRecord(z.enum(STATUSES), z.int());
const queueSchema = z.object({
  name: z.string(),
  ready: z.int().nullable().describe('null: the broker could not be asked'),
  unacknowledged: z.int().nullable().describe('null: only the management API knows'),
  consumers: z.int().nullable(),
});

/** What `/stats` answers. */
export const statsSchema = z
  .object({
    as_of: z.iso.datetime().describe('When the counts were true; queue depths are of now'),
    total: z.int().describe('Notifications in the store'),
    by_status: counts,
    by_type: z.partialRecord(z.enum(CHANNEL_NAMES), counts),
    unpublished: z.int().describe('Stored, and not yet confirmed by RabbitMQ'),
    ambiguous: z.object({
      attempts: z.int().describe('Attempts whose outcome is unknown'),
      per_sent: z.number().describe('Those, divided by the sent ones'),
    }),
    queues: z.array(queueSchema),
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

/** The figures for machines. Browsers get the page. */
export function statsOperation(context: ProducerContext): Operation {
  return operation({
    method: 'get',
    path: '/stats',
    id: 'getStats',
    tag: 'Operations',
    summary: 'Counts by status and channel, queue depths, and the balance of the two books',
    answer: { status: 200, description: 'The figures', schema: statsSchema },
    problems: [],
    handle: async () => ({ status: 200, body: await collectStats(context) }),
  });
}

/** Books that nobody has kept for so long, in milliseconds, are not shown: no scheduler runs. */
const STALE_AFTER_MS = 30 * SECOND;

/** Asks the store and the broker. RabbitMQ may be away: its figures are null then. */
export async function collectStats(context: ProducerContext): Promise<Stats> {
  const [balance, unpublished, queues] = await Promise.all([
    balanceNow(context),
    countUnpublished(context.notifications),
    queueFigures(context),
  ]);
  const { counts, ambiguous, asOf } = balance;
  const byStatus = sumOver(counts);
  const sent = (byStatus.sent ?? 0) + (byStatus.delivered ?? 0) + (byStatus.bounced ?? 0);
  return {
    as_of: asOf.toISOString(),
    total: totalOf(counts),
    by_status: byStatus,
    by_type: Object.fromEntries(CHANNEL_NAMES.map((type) => [type, counts[type] ?? {}])),
    unpublished,
    ambiguous: { attempts: ambiguous, per_sent: sent === 0 ? 0 : ambiguous / sent },
    queues,
    balance: balanceOf(counts, queues, context),
  };
}

/** From the books, which cost the same however many records there are; counted only where no scheduler keeps them. */
async function balanceNow({ books, notifications }: ProducerContext): Promise<Balance> {
  const balance = await books.read();
  const isFresh = balance !== undefined && Date.now() - balance.asOf.getTime() < STALE_AFTER_MS;
  return isFresh ? balance : countAll(notifications);
}

/** Depths come from the broker at once; who consumes, and what is unacknowledged, only its management API knows, some seconds later. */
async function queueFigures({ broker, management }: ProducerContext): Promise<Stats['queues']> {
  const [figures, depths] = await Promise.all([
    management?.queues().catch(() => []) ?? [],
    Promise.all(broker.topology.queues.map(({ name }) => broker.depth(name))),
  ]);
  return broker.topology.queues.map(({ name }, index) => {
    const known = figures.find((figure) => figure.name === name);
    return {
      name,
      ready: depths[index] ?? null,
      unacknowledged: known?.messages_unacknowledged ?? null,
      consumers: known?.consumers ?? null,
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
