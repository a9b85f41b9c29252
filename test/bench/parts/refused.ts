import { MongoClient } from 'mongodb';
import { notificationsOf, type Notifications } from '../../../shared/store/index.ts';
import type { BenchFleet } from '../fleet.ts';
import { median, type Row } from '../result.ts';
import type { Sinks } from '../sinks.ts';
import { drainOnce } from './drain.ts';

/**
 * Drains a lane of mails with and without one record that MongoDB refuses to write, in turns. Both have a validator, which costs MongoDB time
 * for every write; without the record, it names one that is not there.
 */
export async function measureRefused(sinks: Sinks, rounds: number, count: number): Promise<Row[]> {
  const clean: number[] = [];
  const refused: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    clean.push((await drainOnce(sinks, 'email', count, { prepare: refuseNone })).perSecond);
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
function refuseOne(fleet: BenchFleet): Promise<void> {
  return refuse(fleet, async (notifications) => {
    const skip = Math.floor((await notifications.countDocuments()) / 2);
    const [middle] = await notifications.find().sort({ _id: 1 }).skip(skip).limit(1).toArray();
    return middle?._id;
  });
}

function refuseNone(fleet: BenchFleet): Promise<void> {
  return refuse(fleet, () => Promise.resolve('none of them'));
}

async function refuse(
  { servers }: BenchFleet,
  find: (notifications: Notifications) => Promise<string | undefined>,
): Promise<void> {
  const client = await new MongoClient(servers.mongoUri).connect();
  try {
    const id = await find(notificationsOf(client.db()));
    if (id === undefined) throw new Error('there is no backlog to refuse a record of');
    const validator = { $nor: [{ _id: id, status: 'sending' }] };
    await client.db().command({ collMod: 'notifications', validator });
  } finally {
    await client.close();
  }
}
