import { readFileSync, readdirSync } from 'node:fs';

/** Clock ticks of /proc, per second, on every Linux. */
const TICKS_PER_SECOND = 100;

/** What the processes of one name have used. */
export interface Usage {
  /** CPU of all of them together, in seconds. */
  cpuSeconds: number;
  /** The most memory that one of them ever held, in MiB. */
  peakMiB: number;
}

interface Seen extends Usage {
  pid: number;
  parent: number;
  name: string;
}

/**
 * What every process of this benchmark uses: the fleet, its peers, the load, and the servers that were started for it. Linux only; elsewhere
 * it knows of none.
 */
export class Processes {
  #before = new Map<number, number>();

  /** Counts CPU from now on. */
  reset(): void {
    this.#before = new Map(ofThisRun().map(({ pid, cpuSeconds }) => [pid, cpuSeconds]));
  }

  /** By name; of those that still run. */
  usage(): Record<string, Usage> {
    const byName: Record<string, Usage> = {};
    for (const { pid, name, cpuSeconds, peakMiB } of ofThisRun()) {
      const sum = (byName[name] ??= { cpuSeconds: 0, peakMiB: 0 });
      sum.cpuSeconds += cpuSeconds - (this.#before.get(pid) ?? 0);
      sum.peakMiB = Math.max(sum.peakMiB, peakMiB);
    }
    return byName;
  }

  /** Milliseconds of CPU for each of so many notifications, by process; leaves out what hardly worked. */
  perNotification(count: number): Record<string, number> {
    const cost = Object.entries(this.usage()).map(
      ([name, { cpuSeconds }]) => [name, (cpuSeconds * 1_000) / count] as const,
    );
    return Object.fromEntries(cost.filter(([, ms]) => ms >= 0.005));
  }
}

/** All that our parent has started, which starts the servers and us. */
function ofThisRun(): Seen[] {
  const all = pids().flatMap((pid) => look(pid) ?? []);
  const family = new Set([process.ppid]);
  for (let size = 0; size < family.size;) {
    size = family.size;
    for (const { pid, parent } of all) if (family.has(parent)) family.add(pid);
  }
  return all.filter(({ pid }) => family.has(pid));
}

function pids(): number[] {
  try {
    return readdirSync('/proc').map(Number).filter(Number.isInteger);
  } catch {
    return [];
  }
}

function look(pid: number): Seen | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // After the name, which may hold spaces: the fields from the third on; 4 is the parent, 14 and 15 are the user's and the system's ticks.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return {
      pid,
      parent: Number(fields[1]),
      name: nameOf(readFileSync(`/proc/${pid}/cmdline`, 'utf8')),
      cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
      peakMiB: Number(peak?.[1] ?? 0) / 1024,
    };
  } catch {
    // It has just ended.
    return undefined;
  }
}

const NAMES: readonly [RegExp, string][] = [
  [/dist\/services\/([\w-]+)\/main/, '$1'],
  [/test\/bench\/main/, 'load'],
  [/sinks\/smtp-sink/, 'mail server'],
  [/sinks\/sms-sink/, 'SMS API'],
  [/peers\/([\w-]+)/, '$1'],
  [/beam/, 'RabbitMQ'],
  [/mongod/, 'MongoDB'],
  [/redis-server/, 'Redis'],
];

function nameOf(commandLine: string): string {
  for (const [pattern, name] of NAMES) {
    const found = pattern.exec(commandLine);
    if (found) return name.replace('$1', found[1] ?? '');
  }
  return 'other';
}
