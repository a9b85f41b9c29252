import { LEASE_SECONDS } from '../fleet/chaos-fleet.ts';
import type { Fault, World } from '../world.ts';

const CUT: Fault['routes'] = { rabbitmq: ['producer', 'email', 'sms', 'in-app', 'scheduler'] };

/** The network between a service and its servers is bad. */
export const NETWORK_FAULTS: readonly Fault[] = [
  {
    name: 'network-rabbitmq-reset',
    what: 'every connection to RabbitMQ is reset mid-frame, ten times',
    routes: CUT,
    inject: async (world) => {
      for (let round = 0; round < 10; round += 1) {
        world.proxy('rabbitmq').reset();
        await world.seconds(1);
      }
    },
  },
  {
    name: 'network-rabbitmq-half-close',
    what: 'RabbitMQ is told that its clients are gone, and they are not told',
    routes: CUT,
    inject: async (world) => {
      world.proxy('rabbitmq').halfClose();
      await world.seconds(10);
    },
  },
  {
    name: 'network-rabbitmq-silent',
    what: 'nothing passes to or from RabbitMQ for 40 s, and nobody is told',
    routes: CUT,
    inject: async (world) => {
      world.proxy('rabbitmq').be({ loseUpstream: true, loseDownstream: true });
      await world.seconds(40);
      world.proxy('rabbitmq').reset();
      world.proxy('rabbitmq').be();
    },
  },
  {
    name: 'network-rabbitmq-confirms-lost',
    what: 'RabbitMQ gets every publish, and none of its confirms comes back, for 12 s',
    routes: CUT,
    inject: async (world) => {
      world.proxy('rabbitmq').be({ loseDownstream: true, only: / publish/ });
      await world.seconds(12);
      world.proxy('rabbitmq').reset();
      world.proxy('rabbitmq').be();
    },
  },
  {
    name: 'network-rabbitmq-slow',
    what: 'RabbitMQ is 300 ms away in each direction, for 20 s',
    routes: CUT,
    inject: async (world) => {
      world.proxy('rabbitmq').be({ delayMs: 300 });
      await world.seconds(20);
      world.proxy('rabbitmq').be();
    },
  },
  {
    name: 'network-mongodb-cut',
    mayRefuse: true,
    what: 'one producer and one consumer of each channel are cut off from MongoDB past their leases, while the others go on',
    routes: { mongodb: ['producer', 'email', 'sms', 'in-app'] },
    inject: async (world) => {
      cutOff(world);
      world.proxy('mongodb').be({ loseUpstream: true, loseDownstream: true });
      await world.seconds(LEASE_SECONDS + 7);
      world.proxy('mongodb').reset();
      world.proxy('mongodb').be();
    },
  },
  {
    name: 'network-mongodb-slow',
    mayRefuse: true,
    what: 'MongoDB is 1 s away in each direction for one of each service, for 20 s; leases hold',
    routes: { mongodb: ['producer', 'email', 'sms', 'in-app'] },
    inject: async (world) => {
      world.proxy('mongodb').be({ delayMs: 1_000 });
      await world.seconds(20);
      world.proxy('mongodb').be();
    },
  },
];

/** What they were delivering cannot be recorded before the lease runs out. */
function cutOff(world: World): void {
  for (const service of ['email', 'sms'] as const) world.interrupted(world.fleet.one(service, 1));
}
