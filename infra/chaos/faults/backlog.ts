import type { ServiceProcess } from '../fleet/service-process.ts';
import type { Fault, World } from '../world.ts';

/** A consumer's memory in the last third of a backlog must not be more than this many times that of the first third. */
const FLAT = 1.25;
/** In a backlog that is over within three minutes the first third is a process warming up, and its memory says nothing. Seconds. */
const LONG_ENOUGH_SECONDS = 180;

/** All that is handed over waits until it is complete; then the consumers come, and their memory is watched. */
export const BACKLOG: Fault = {
  name: 'backlog',
  what: 'no consumer runs until all of the load is handed over; then their memory must stay flat, if it takes three minutes',
  // In the end only those are left to whom the provider never answers but 500, and a breaker lets ten of them at a time through.
  patienceSeconds: 600,
  inject: async (world) => {
    const consumers = world.fleet.processes.filter(({ service }) =>
      ['email', 'sms', 'in-app'].includes(service),
    );
    await Promise.all(consumers.map((one) => one.stop()));
    await world.loaded;
    await Promise.all(consumers.map((one) => one.start()));
    const samples = new Map(consumers.map((one) => [one, [] as number[]]));
    while ((await waiting(world)) > 0) {
      for (const [one, taken] of samples) taken.push(one.residentMiB());
      await world.seconds(1);
    }
    for (const [one, taken] of samples) judge(world, one, taken);
  },
};

async function waiting({ client }: World): Promise<number> {
  const reply = await client.get('/stats');
  if (reply.status !== 200) return 1;
  const { by_status } = (reply as { json: { by_status: Record<string, number> } }).json;
  return (by_status.pending ?? 0) + (by_status.sending ?? 0);
}

function judge({ say, complaints }: World, { name }: ServiceProcess, samples: readonly number[]): void {
  const third = Math.ceil(samples.length / 3);
  const [first, last] = [Math.max(...samples.slice(0, third)), Math.max(...samples.slice(-third))];
  const words = `${name}: ${first.toFixed(0)} MiB at most in the first third, ${last.toFixed(0)} MiB in the last`;
  say(`  ${words}`);
  if (samples.length >= LONG_ENOUGH_SECONDS && last > first * FLAT)
    complaints.push(`memory grows with the backlog: ${words}`);
}
