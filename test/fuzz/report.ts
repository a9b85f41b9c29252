import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { z } from 'zod';

/** How often an operation was answered with a status: operation (`GET /v1/notifications`) → status → times. */
export type Calls = ReadonlyMap<string, ReadonlyMap<number, number>>;

/** schemathesis' own summary of a run; the fields that are read here. */
const summarySchema = z.object({
  stop_reason: z.string(),
  test_cases: z.object({ generated: z.int() }),
  failures: z.array(z.object({ title: z.string(), count: z.int(), operations: z.array(z.string()) })),
  errors: z.array(z.object({ title: z.string(), count: z.int() })),
});

/** schemathesis' own summary of a run: cases made, and the findings by their kind. */
export type Summary = z.output<typeof summarySchema>;

/** One line of its journal: what a scenario has sent and got. Everything else in it is passed over. */
const scenarioSchema = z.object({
  ScenarioFinished: z.object({
    recorder: z.object({
      cases: z
        .record(z.string(), z.object({ value: z.object({ method: z.string(), path: z.string() }) }))
        .default({}),
      interactions: z
        .record(z.string(), z.object({ response: z.object({ status_code: z.int() }).nullish() }))
        .default({}),
    }),
  }),
});

/** Reads the summary. @throws when it is none: the run was ended before it was written. */
export function readSummary(json: string): Summary {
  return summarySchema.parse(JSON.parse(json));
}

/** Counts every answer in a journal (NDJSON) by operation and status. */
export async function readCalls(file: string): Promise<Calls> {
  const calls = new Map<string, Map<number, number>>();
  for await (const line of createInterface({ input: createReadStream(file) })) {
    if (!line.startsWith('{"ScenarioFinished"')) continue;
    const { cases, interactions } = scenarioSchema.parse(JSON.parse(line)).ScenarioFinished.recorder;
    for (const [id, { response }] of Object.entries(interactions)) {
      const sent = cases[id]?.value;
      if (!sent || !response) continue;
      const statuses = calls.get(`${sent.method} ${sent.path}`) ?? new Map<number, number>();
      calls.set(`${sent.method} ${sent.path}`, statuses);
      statuses.set(response.status_code, (statuses.get(response.status_code) ?? 0) + 1);
    }
  }
  return calls;
}

/** Of these operations, those with an answer whose status the test takes. */
export function operationsWith(
  calls: Calls,
  operations: readonly string[],
  takes: (status: number) => boolean,
): string[] {
  return operations.filter((one) => [...(calls.get(one)?.keys() ?? [])].some(takes));
}
