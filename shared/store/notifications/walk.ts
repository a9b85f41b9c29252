import type { Filter } from 'mongodb';
import type { Notification } from '../../contracts/index.ts';
import type { Notifications } from './collection.ts';

/** Records of one step. */
const CHUNK = 500;

/** Walks the ids that match now, in the order of whatever index finds them: one pass, also where the filter's index has no order of ids. */
export async function* idBatches(
  notifications: Notifications,
  filter: Filter<Notification>,
): AsyncGenerator<string[]> {
  const found = notifications.find(filter, { projection: { _id: 1 } }).batchSize(CHUNK);
  try {
    while (await found.hasNext()) yield found.readBufferedDocuments().map(({ _id }) => _id);
  } finally {
    await found.close();
  }
}

/** Walks the ids that match now, oldest first, in steps; what matches no more on the way is left out. */
export async function* idChunks(
  notifications: Notifications,
  filter: Filter<Notification>,
): AsyncGenerator<string[]> {
  for (let after = ''; ;) {
    const found = await notifications
      .find({ $and: [filter, { _id: { $gt: after } }] }, { projection: { _id: 1 } })
      .sort({ _id: 1 })
      .limit(CHUNK)
      .toArray();
    const last = found.at(-1);
    if (!last) return;
    yield found.map(({ _id }) => _id);
    after = last._id;
  }
}
