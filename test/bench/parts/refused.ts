import { MongoClient } from 'mongodb';
import { notificationsOf } from '../../../shared/store/index.ts';
import type { BenchFleet } from '../fleet.ts';
import { median, type Row } from '../result.ts';
import type { Sinks } from '../sinks.ts';
import { drainOnce } from './drain.ts';

/** Drains a lane of mails with and without one record that MongoDB refuses to write, in turns. */
export async function measureRefused(sinks: Sinks, rounds: number, count: number): Promise<Row[]> {
  const clean: number[] = [];
  const refused: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    clean.push((await drainOnce(sinks, 'email', count)).perSecond);
    refused.push((await drainOnce(sinks, 'email', count, { prepare: refuseOne })).perSecond);
  }
  return [
    {
      part: 'refused',
      what: `email, a backlog of ${count} with one record that MongoDB refuses to write`,
      unit: 'per s',
      ours: median(refused),
      against: { what: 'without it', figure: median(clean) },
      target: { atLeast: 0.95 },
    },
  ];
}

/** Has MongoDB refuse the claim of a record in the middle of the backlog. */
async function refuseOne({ servers }: BenchFleet): Promise<void> {
  const client = await new MongoClient(servers.mongoUri).connect();
  try {
    const notifications = notificationsOf(client.db());
    const skip = Math.floor((await notifications.countDocuments()) / 2);
    const [middle] = await notifications.find().sort({ _id: 1 }).skip(skip).limit(1).toArray();
    const validator = { $nor: [{ _id: middle?._id, status: 'sending' }] };
    await client.db().command({ collMod: 'notifications', validator });
  } finally {
    await client.close();
  }
}
