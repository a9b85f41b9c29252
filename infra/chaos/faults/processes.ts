import { LEASE_SECONDS } from '../fleet/chaos-fleet.ts';
import { SERVICES } from '../../local/fleet.ts';
import type { Fault, World } from '../world.ts';

/** Our own processes die, freeze, restart, or lose track of time. */
export const PROCESS_FAULTS: readonly Fault[] = [
  {
    name: 'none',
    what: 'nothing, for comparison',
    inject: (world) => world.seconds(1),
  },
  {
    name: 'kill-consumer',
    what: 'kill -9 of each consumer in turn, mid-delivery, three rounds',
    inject: async (world) => {
      for (let round = 0; round < 3; round += 1)
        for (const service of ['email', 'sms', 'in-app'] as const) {
          await world.crash(world.anyOf(service));
          await world.seconds(1);
        }
    },
  },
  {
    name: 'kill-producer',
    mayReset: true,
    what: 'kill -9 of a producer mid-request, six times',
    inject: async (world) => {
      for (let round = 0; round < 6; round += 1) {
        await world.crash(world.anyOf('producer'));
        await world.seconds(1);
      }
    },
  },
  {
    name: 'kill-scheduler',
    what: 'kill -9 of a scheduler, six times',
    inject: async (world) => {
      for (let round = 0; round < 6; round += 1) {
        await world.crash(world.anyOf('scheduler'));
        await world.seconds(1);
      }
    },
  },
  {
    name: 'pause-consumer',
    what: 'SIGSTOP of a consumer of each channel past its lease; it wakes and must not record again',
    inject: (world) => freeze(world, LEASE_SECONDS + 7),
  },
  {
    name: 'pause-consumer-40s',
    what: 'SIGSTOP of a consumer of each channel for 40 s: RabbitMQ misses its heartbeats and delivers again',
    inject: (world) => freeze(world, 40),
  },
  {
    name: 'clock-jump',
    what: 'the clocks of a producer, a consumer and a scheduler jump 10 minutes ahead, then 10 minutes back',
    settings: { NODE_OPTIONS: '--import ./infra/chaos/clock-jump.mjs' },
    inject: async (world) => {
      const jumping = (['producer', 'email', 'scheduler'] as const).map((service) =>
        world.fleet.one(service, 1),
      );
      for (let jump = 0; jump < 3; jump += 1) {
        for (const one of jumping) one.signal('SIGUSR2');
        await world.seconds(6);
      }
    },
  },
  {
    name: 'rolling-restart',
    what: 'every process is drained and started again, one after the other',
    inject: async (world) => {
      for (const service of SERVICES)
        for (const one of world.fleet.of(service)) {
          // While MongoDB is away as well, a claim may stay unanswered when it goes, and then it is not known what came of it.
          if (world.allowed.mayRefuse) world.interrupted(one);
          const code = await one.stop();
          if (code !== 0) throw new Error(`${one.name} drained with code ${code}`);
          await one.start();
        }
    },
  },
];

async function freeze(world: World, seconds: number): Promise<void> {
  const frozen = (['email', 'sms', 'in-app'] as const).map((service) => world.anyOf(service));
  for (const one of frozen) {
    world.interrupted(one);
    one.signal('SIGSTOP');
  }
  await world.seconds(seconds);
  for (const one of frozen) one.signal('SIGCONT');
}
