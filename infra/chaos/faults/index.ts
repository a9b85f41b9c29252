import type { Fault, World } from '../world.ts';
import { BACKLOG } from './backlog.ts';
import { MONGODB_FAULTS } from './mongodb.ts';
import { NETWORK_FAULTS } from './network.ts';
import { OPERATOR_FAULTS } from './operators.ts';
import { PROCESS_FAULTS } from './processes.ts';
import { PROVIDER_FAULTS } from './providers.ts';
import { RABBITMQ_FAULTS } from './rabbitmq.ts';

/** Every fault, each alone. */
export const FAULTS: readonly Fault[] = [
  ...PROCESS_FAULTS,
  BACKLOG,
  ...RABBITMQ_FAULTS,
  ...MONGODB_FAULTS,
  ...NETWORK_FAULTS,
  ...PROVIDER_FAULTS,
  ...OPERATOR_FAULTS,
];

/** Faults that can follow each other in one run: they need no proxy and no settings of their own. */
const MIXABLE = FAULTS.filter(
  (fault) =>
    fault.routes === undefined &&
    fault.settings === undefined &&
    ![
      'none',
      'backlog',
      'rabbitmq-delete-queue',
      'pause-consumer-40s',
      'rabbitmq-freeze-leader',
      'redrive',
      'operator-pause',
    ].includes(fault.name),
);
/** How many faults a mixed run has. */
const MIX = 3;

/** Several faults one after another and over each other, as the seed says. */
export const MIXED: Fault = {
  name: 'mixed',
  what: `${MIX} faults at random, the second and third while the one before still goes on`,
  inject: async (world) => {
    const chosen = pickSome(world);
    for (const { deadLetters, mayReset, mayRefuse } of chosen)
      Object.assign(world.allowed, {
        ...(deadLetters && { deadLetters }),
        ...(mayReset && { mayReset }),
        ...(mayRefuse && { mayRefuse }),
      });
    await Promise.all(
      chosen.map(async (fault, index) => {
        await world.seconds(index * world.random.between(2, 6));
        await fault.inject(world);
      }),
    );
  },
};

function familyOf({ name }: Fault): string {
  return /^(rabbitmq|mongodb|smtp|sms)/.exec(name)?.[0] ?? 'processes';
}

/** The faults that a seed mixes; two of one server at once could leave nothing to heal. */
function pickSome({ random, say }: World): Fault[] {
  const chosen: Fault[] = [];
  while (chosen.length < MIX) {
    const next = random.pick(MIXABLE);
    if (!chosen.some((one) => familyOf(one) === familyOf(next))) chosen.push(next);
  }
  say(`mixed: ${chosen.map(({ name }) => name).join(', ')}`);
  return chosen;
}
