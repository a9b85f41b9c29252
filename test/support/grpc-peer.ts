import { runPeer } from './python-peers.ts';

/** What a call of the scheduler came to: its response, or the code, words and fields of its error. */
export interface Told {
  response?: { success?: boolean; job_id?: string };
  status?: string;
  services?: string[];
  code?: string;
  words?: string;
  fields?: string[];
}

/** Asks a gRPC server by a client of Python, one after the other. */
export async function askByPython(
  address: string,
  asked: readonly object[],
  trusted: readonly string[] = [],
): Promise<Told[]> {
  const input = asked.map((one) => `${JSON.stringify(one)}\n`).join('');
  const peer = await runPeer('test/peers/schedule_meet.py', [address, ...trusted], { input });
  if (peer.code !== 0) throw new Error(peer.stderr);
  return peer.lines() as Told[];
}

/** Reads iCalendar files by a parser of Python. */
export async function calendarsByPython(texts: readonly string[]): Promise<Record<string, unknown>[]> {
  const peer = await runPeer('test/peers/read_calendar.py', [], { input: JSON.stringify(texts) });
  if (peer.code !== 0) throw new Error(peer.stderr);
  return peer.lines() as Record<string, unknown>[];
}
