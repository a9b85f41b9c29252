import { join } from 'node:path';
import { SERVICES } from '../../local/fleet.ts';
import type { Fault, World } from '../world.ts';

/** The compiled program; tests import this file from its source. */
const broken = (name: string): string => join(process.cwd(), 'dist/infra/chaos/broken', `${name}.js`);

/**
 * Fleets that break a promise on purpose. The checker must report each of them: a suite that cannot see a loss proves nothing. The last one
 * is the counter-proof: with the sweeps on, even consumers that acknowledge too early lose nothing, for the record is the truth.
 */
export const BROKEN_FLEETS: readonly Fault[] = [
  {
    name: 'broken-no-relay',
    what: 'the relay is switched off, and RabbitMQ refuses connections for 5 s: MUST be reported as lost',
    routes: { rabbitmq: SERVICES },
    entries: { scheduler: broken('scheduler-without-relay') },
    mustLose: 'not at rest',
    inject: async (world) => {
      await world.proxy('rabbitmq').refuse();
      await world.seconds(5);
      await world.proxy('rabbitmq').accept();
    },
  },
  {
    name: 'broken-acks-first',
    what: 'e-mails are acknowledged before they are recorded, the sweeps are off, and consumers are killed: MUST be reported as lost',
    entries: { email: broken('email-acks-first'), scheduler: broken('scheduler-without-sweeps') },
    mustLose: 'not at rest',
    inject: killMailers,
  },
  {
    name: 'broken-forgets',
    what: 'one mail in a hundred is recorded as sent and never handed over: MUST be reported as lost',
    entries: { email: broken('email-forgets') },
    mustLose: 'not received',
    inject: (world) => world.seconds(1),
  },
  {
    name: 'acks-first-with-sweeps',
    what: 'e-mails are acknowledged before they are recorded, and consumers are killed; the sweeps are on and lose nothing',
    entries: { email: broken('email-acks-first') },
    inject: killMailers,
  },
];

async function killMailers(world: World): Promise<void> {
  for (let round = 0; round < 3; round += 1) {
    for (const mailer of world.fleet.of('email')) await world.crash(mailer);
    await world.seconds(1);
  }
}
