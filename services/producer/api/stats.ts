import { z } from 'zod';
import { DEAD_LETTER_QUEUE, PARKING_QUEUE, waitQueue, workQueue } from '../../../shared/broker/index.ts';
import {
  CHANNEL_NAMES,
  LANES,
  STATUSES,
  type Channel,
  type Status,
} from '../../../shared/contracts/index.ts';
import { countByTypeAndStatus, countTroubles } from '../../../shared/store/index.ts';
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
    as_of: z.iso.datetime(),
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

/** Asks the store and the broker. RabbitMQ may be away: its figures are null then. */
export async function collectStats(context: ProducerContext): Promise<Stats> {
  const [rows, troubles, queues] = await Promise.all([
    countByTypeAndStatus(context.notifications),
    countTroubles(context.notifications),
    queueFigures(context),
  ]);
  const byStatus = sumBy(rows, (row) => row.status);
  const sent = (byStatus.sent ?? 0) + (byStatus.delivered ?? 0) + (byStatus.bounced ?? 0);
  const byType = CHANNEL_NAMES.map((type) => [
    type,
    sumBy(
      rows.filter((row) => row.type === type),
      (row) => row.status,
    ),
  ]);
  return {
    as_of: new Date().toISOString(),
    total: rows.reduce((sum, row) => sum + row.count, 0),
    by_status: byStatus,
    by_type: Object.fromEntries(byType) as Stats['by_type'],
    unpublished: troubles.unpublished,
    ambiguous: { attempts: troubles.ambiguous, per_sent: sent === 0 ? 0 : troubles.ambiguous / sent },
    queues,
    balance: balanceOf(rows, queues, context),
  };
}

type Row = { type: Channel; status: Status; count: number };

function sumBy(rows: readonly Row[], key: (row: Row) => Status): Partial<Record<Status, number>> {
  const sums: Partial<Record<Status, number>> = {};
  for (const row of rows) sums[key(row)] = (sums[key(row)] ?? 0) + row.count;
  return sums;
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
function balanceOf(
  rows: readonly Row[],
  queues: Stats['queues'],
  { config }: ProducerContext,
): Stats['balance'] {
  const records = (status: Status, type?: Channel): number =>
    rows
      .filter((row) => row.status === status && (type === undefined || row.type === type))
      .reduce((sum, row) => sum + row.count, 0);
  const line = (what: string, count: number, names: string[]): Stats['balance'][number] => {
    const messages = messagesIn(queues, names);
    return { what, records: count, messages, drift: messages === null ? null : count - messages };
  };
  const tiers = [...new Set(config.RETRY_DELAYS)];
  return [
    ...CHANNEL_NAMES.flatMap((type) => [
      line(
        `${type}: pending and sending`,
        records('pending', type) + records('sending', type),
        LANES.map((lane) => workQueue(type, lane)),
      ),
      line(
        `${type}: waiting to retry`,
        records('failed', type),
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
