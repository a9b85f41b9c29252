import type { Fault } from '../world.ts';

/** MongoDB dies, freezes, or changes its primary. */
export const MONGODB_FAULTS: readonly Fault[] = [
  {
    name: 'mongodb-kill-primary',
    mayRefuse: true,
    what: 'kill -9 of the primary; back after 10 s',
    inject: async (world) => {
      const primary = await world.cluster.mongodb.primary();
      await primary.kill();
      await world.seconds(10);
      await primary.start();
    },
  },
  {
    name: 'mongodb-freeze-primary',
    mayRefuse: true,
    what: 'SIGSTOP of the primary for 15 s: it wakes and believes to be primary still',
    inject: async (world) => {
      const primary = await world.cluster.mongodb.primary();
      primary.signal('SIGSTOP');
      await world.seconds(15);
      primary.signal('SIGCONT');
    },
  },
  {
    name: 'mongodb-step-down',
    mayRefuse: true,
    what: 'the primary steps down, three times',
    inject: async (world) => {
      for (let round = 0; round < 3; round += 1) {
        await world.cluster.mongodb.stepDown();
        await world.seconds(6);
      }
    },
  },
  {
    name: 'mongodb-freeze-all',
    mayRefuse: true,
    what: 'SIGSTOP of all three members for 30 s: no dead letter may come of it',
    inject: async (world) => {
      const { members } = world.cluster.mongodb;
      for (const member of members) member.signal('SIGSTOP');
      await world.seconds(30);
      for (const member of members) member.signal('SIGCONT');
    },
  },
];
