import type { Filter } from 'mongodb';
import type { Notification } from '../../contracts/index.ts';
import type { Notifications } from './collection.ts';

/** Records of one step. */
const CHUNK = 500;

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
