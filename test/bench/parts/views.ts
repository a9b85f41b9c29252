import { MongoClient } from 'mongodb';
import type { Notification, Status } from '../../../shared/contracts/index.ts';
import { notificationsOf } from '../../../shared/store/index.ts';
import { aRecord } from '../../support/records.ts';
import { signedIn } from '../../support/visitor.ts';
import { BenchFleet } from '../fleet.ts';
import { settled } from '../records.ts';
import { median, type Row } from '../result.ts';
import type { Sinks } from '../sinks.ts';

/** What operators look at: the API's, and the pages. */
const PAGES = [
  '/',
  '/stats?range=hour',
  '/notifications',
  '/notifications?status=failed_permanently',
  '/dead-letters',
  '/controls',
];
const VIEWS = [
  ...PAGES,
  '/stats',
  '/v1/notifications',
  '/v1/notifications?type=sms',
  '/v1/notifications?status=sent',
  '/v1/notifications?status=canceled',
  '/v1/dead-letters',
  '/v1/users/user-7/notifications',
];
/** What a page may take, in milliseconds, whatever the number of records. */
const PAGE_MS = 100;
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
  const cookie = await signedIn(fleet.servers.mongoUri);
  const client = await new MongoClient(fleet.servers.mongoUri).connect();
  try {
    const found: Map<string, number>[] = [];
    let stored = 0;
    for (const size of sizes) {
      for (; stored < size; stored += Math.min(BATCH, size - stored))
        await notificationsOf(client.db()).insertMany(someRecords(Math.min(BATCH, size - stored)));
      await settled(fleet);
      // Warm-up.
      await lookAt(fleet, cookie);
      found.push(await lookAt(fleet, cookie));
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
    // Ten people, so that each has a whole page of them in every size.
    return aRecord({ status, type, user_id: `user-${index % 10}` });
  });
}

async function lookAt({ address, headers }: BenchFleet, cookie: string): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  for (const view of VIEWS) {
    const times: number[] = [];
    for (let look = 0; look < LOOKS; look += 1) {
      const startedAt = performance.now();
      const asked = PAGES.includes(view)
        ? { cookie, accept: 'text/html' }
        : { ...headers, accept: 'application/json' };
      const response = await fetch(`${address}${view}`, { headers: asked, redirect: 'error' });
      await response.text();
      if (!response.ok) throw new Error(`${view} answered ${response.status}`);
      times.push(performance.now() - startedAt);
    }
    found.set(view, median(times));
  }
  return found;
}

function rowOf(view: string, sizes: readonly number[], times: readonly number[]): Row {
  const row = {
    part: 'views',
    what: `GET ${view} with ${sizes.at(-1)} records, p50`,
    unit: 'ms',
    ours: times.at(-1) ?? 0,
    note: sizes
      .slice(0, -1)
      .map((size, index) => `with ${size}: ${times[index]?.toFixed(1)} ms`)
      .join(', '),
  };
  if (PAGES.includes(view)) return { ...row, target: { atMost: PAGE_MS } };
  return { ...row, against: { what: `with ${sizes[0]}`, figure: times[0] ?? 0 }, target: { atMost: 2 } };
}
