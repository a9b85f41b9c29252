import { MongoClient } from 'mongodb';
import type { Notification, Status } from '../../../shared/contracts/index.ts';
import { notificationsOf } from '../../../shared/store/index.ts';
import { aRecord } from '../../support/records.ts';
import { BenchFleet } from '../fleet.ts';
import { settled } from '../records.ts';
import { median, type Row } from '../result.ts';
import type { Sinks } from '../sinks.ts';

/** What operators look at. */
const VIEWS = [
  '/stats',
  '/v1/notifications',
  '/v1/notifications?type=sms',
  '/v1/notifications?status=sent',
  '/v1/notifications?status=canceled',
  '/v1/dead-letters',
  '/v1/users/user-7/notifications',
];
const LOOKS = 40;
const BATCH = 5_000;
/** Of each thousand: most are sent, some are dead. */
const STATUSES: readonly [Status, number][] = [
  ['failed_permanently', 10],
  ['canceled', 10],
  ['sent', 980],
];

/** How long each view takes with ever more records in the store. */
export async function measureViews(sinks: Sinks, sizes: readonly number[]): Promise<Row[]> {
  const fleet = await BenchFleet.start(sinks);
  const client = await new MongoClient(fleet.servers.mongoUri).connect();
  try {
    const found: Map<string, number>[] = [];
    let stored = 0;
    for (const size of sizes) {
      for (; stored < size; stored += Math.min(BATCH, size - stored))
        await notificationsOf(client.db()).insertMany(someRecords(Math.min(BATCH, size - stored)));
      await settled(fleet);
      // Warm-up.
      await lookAt(fleet);
      found.push(await lookAt(fleet));
    }
    return VIEWS.map((view) =>
      rowOf(
        view,
        sizes,
        found.map((one) => one.get(view) ?? 0),
      ),
    );
  } finally {
    await client.close();
    await fleet.stop();
  }
}

function someRecords(count: number): Notification[] {
  return Array.from({ length: count }, (_, index) => {
    let place = index % 1_000;
    const [status] = STATUSES.find(([, share]) => (place -= share) < 0) ?? ['sent'];
    const type = (['in_app', 'email', 'sms'] as const)[index % 3] ?? 'sms';
    return aRecord({ status, type, user_id: `user-${index % 1_000}` });
  });
}

async function lookAt({ address, headers }: BenchFleet): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  for (const view of VIEWS) {
    const times: number[] = [];
    for (let look = 0; look < LOOKS; look += 1) {
      const startedAt = performance.now();
      const response = await fetch(`${address}${view}`, {
        headers: { ...headers, accept: 'application/json' },
      });
      await response.text();
      if (!response.ok) throw new Error(`${view} answered ${response.status}`);
      times.push(performance.now() - startedAt);
    }
    found.set(view, median(times));
  }
  return found;
}

function rowOf(view: string, sizes: readonly number[], times: readonly number[]): Row {
  return {
    part: 'views',
    what: `GET ${view} with ${sizes.at(-1)} records, p50`,
    unit: 'ms',
    ours: times.at(-1) ?? 0,
    against: { what: `with ${sizes[0]}`, figure: times[0] ?? 0 },
    target: { atMost: 2 },
    note: `with ${sizes[1]}: ${times[1]?.toFixed(1)} ms`,
  };
}
