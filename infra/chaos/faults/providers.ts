import type { MailFault, TextFault } from '../../local/sandbox/faults.ts';
import { CONCURRENCY } from '../fleet/chaos-fleet.ts';
import type { History } from '../history.ts';
import type { Fault, World } from '../world.ts';

const later = { at: 'data', code: 451, message: '4.3.0 try again later' } as const;
const never = { at: 'data', code: 554, message: '5.7.1 not today' } as const;

/** Providers are down, slow, or lose their answers. */
export const PROVIDER_FAULTS: readonly Fault[] = [
  {
    name: 'smtp-down',
    what: 'the mail server refuses connections for 20 s; the ladder is not burnt',
    routes: { providers: true },
    alsoCheck: spentRungs,
    inject: async (world) => {
      // Whatever is being handed over just then loses its answer.
      for (const mailer of world.fleet.of('email')) world.interrupted(mailer);
      await world.proxy('smtp').refuse();
      await world.seconds(20);
      await world.proxy('smtp').accept();
    },
  },
  {
    name: 'smtp-slow',
    what: 'every mail takes 1 s, for 15 s',
    inject: (world) => mailFault(world, { delayMs: 1_000 }, 15),
  },
  {
    name: 'smtp-drop-after-data',
    what: 'the mail server takes one mail in twenty and drops the connection instead of saying so, for 10 s',
    inject: (world) => mailFault(world, { drop: true, taken: true, share: 0.05 }, 10),
  },
  {
    name: 'smtp-hang-after-data',
    what: 'the mail server takes one mail in fifty and never answers, for 10 s',
    inject: (world) => mailFault(world, { hang: true, taken: true, share: 0.02 }, 10),
  },
  {
    name: 'smtp-errors',
    what: 'the mail server answers 451 to 30 %, then 554 to 5 %, for 8 s each',
    deadLetters: true,
    inject: async (world) => {
      await mailFault(world, { refuse: later, share: 0.3 }, 8);
      await mailFault(world, { refuse: never, share: 0.05 }, 8);
    },
  },
  {
    name: 'sms-429',
    what: 'the SMS API answers 429 with Retry-After: 3, for 8 s',
    inject: (world) =>
      textFault(
        world,
        { refuse: { status: 429, code: 20429, message: 'Too Many Requests', retryAfterSeconds: 3 } },
        8,
      ),
  },
  {
    name: 'sms-500',
    what: 'the SMS API answers 500 to all, for 15 s',
    inject: (world) => textFault(world, { refuse: { status: 500, code: 20500, message: 'Error' } }, 15),
  },
  {
    name: 'sms-hang',
    what: 'the SMS API takes one SMS in fifty and never answers, for 10 s',
    inject: (world) => textFault(world, { hang: true, taken: true, share: 0.02 }, 10),
  },
  {
    name: 'redrive',
    what: 'the mail server refuses all for good for 4 s; then the dead letters are sent again by hand',
    inject: async (world) => {
      await mailFault(world, { refuse: never }, 4);
      await world.seconds(2);
      const reply = await world.client.post('/v1/dead-letters/retry', { filter: { type: 'email' } });
      if (reply.status !== 202) throw new Error(`the redrive was answered ${reply.status}`);
    },
  },
];

/** Two consumers take twenty outcomes each to know, while as many more are in flight; everything else must not spend a rung. */
const RUNGS_TO_KNOW = 2 * (20 + CONCURRENCY.email);

function spentRungs({ wishes, records }: History): string[] {
  const fine = new Set(wishes.filter(({ recipient }) => recipient === 'fine').map(({ marker }) => marker));
  const mails = records.filter(
    ({ type, idempotency_key }) => type === 'email' && fine.has(idempotency_key ?? ''),
  );
  const rungs = mails.reduce((sum, { retry_count }) => sum + retry_count, 0);
  return rungs > RUNGS_TO_KNOW
    ? [`${rungs} rungs were spent on an outage, and ${RUNGS_TO_KNOW} are enough to know`]
    : [];
}

async function mailFault(world: World, fault: MailFault, seconds: number): Promise<void> {
  world.sandbox.smtpFault = fault;
  await world.seconds(seconds);
  world.sandbox.smtpFault = undefined;
}

async function textFault(world: World, fault: TextFault, seconds: number): Promise<void> {
  world.sandbox.smsFault = fault;
  await world.seconds(seconds);
  world.sandbox.smsFault = undefined;
}
