import { CHANNEL_NAMES, pauseOfChannel } from '../../../shared/contracts/index.ts';
import { untilDone } from '../../../shared/runtime/backoff.ts';
import { Controls, openStore } from '../../../shared/store/index.ts';
import type { Fault } from '../world.ts';

/** How long a pause and what follows it take, in seconds. */
const PAUSED = 4;
const RUNNING = 2;
const ROUNDS = 3;

/** Operators pause what is busy, and let it go on. */
export const OPERATOR_FAULTS: readonly Fault[] = [
  {
    name: 'operator-pause',
    what: 'an operator pauses every channel for 4 s in mid-delivery, and lets it go on, three times',
    inject: async (world) => {
      const store = openStore(world.cluster.mongodb.uri(world.vhost), 'chaos');
      const controls = new Controls(store.db);
      const order = { by: 'chaos', reason: 'a fault', since: new Date() };
      const ids = CHANNEL_NAMES.map(pauseOfChannel);
      try {
        for (let round = 0; round < ROUNDS; round += 1) {
          for (const _id of ids) await untilDone(() => controls.set({ _id, ...order }), {});
          await world.seconds(PAUSED);
          for (const _id of ids) await untilDone(() => controls.clear(_id), {});
          await world.seconds(RUNNING);
        }
      } finally {
        await store.stop();
      }
    },
  },
];
