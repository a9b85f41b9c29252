import { operationsWith, type Calls, type Summary } from './report.ts';

/** A run of schemathesis that is over. */
export interface Finished {
  /** Its exit code; not 0 when it has found something. */
  code: number;
  summary: Summary;
  calls: Calls;
}

/** The operations of an OpenAPI document. */
export interface Operations {
  all: readonly string[];
  /** Those that nobody may call without a key. */
  guarded: readonly string[];
}

const isSuccess = (status: number): boolean => status < 400;

/** Reads from a document what its operations are, and which of them need a key. */
export function operationsOf(document: OpenApiDocument): Operations {
  const all = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { security }]) => ({
      name: `${method.toUpperCase()} ${path}`,
      isGuarded: (security ?? document.security ?? []).length > 0,
    })),
  );
  const names = (some: typeof all): string[] => some.map(({ name }) => name);
  return { all: names(all), guarded: names(all.filter(({ isGuarded }) => isGuarded)) };
}

/** The little of an OpenAPI document that is looked at here. */
export interface OpenApiDocument {
  paths: Record<string, Record<string, { security?: unknown[] }>>;
  security?: unknown[];
}

/** What a run was meant to be. */
export interface Meant {
  hasKey: boolean;
  /** Whether it was to call every operation. */
  callsAll: boolean;
}

/** Why a run ends that was not cut short: it is through, or its time is over. */
const REGULAR_ENDS = ['completed', 'max_time'];

/**
 * The title of an error that says nothing about the API: with some seeds the generator wants a text beyond one of our limits that is longer
 * than it can make, and leaves out the rest of that operation's negative cases.
 */
const CANNOT_MAKE = 'Failed Health Check';

/** What is wrong with a run, a line each; none when all is well. schemathesis is not the only one to judge, for its checks can be switched off. */
export function troublesOf(finished: Finished, operations: Operations, meant: Meant): string[] {
  const { code, summary, calls } = finished;
  const { failures, errors, stop_reason: stopReason } = summary;
  const called = operationsWith(calls, operations.all, () => true);
  const missed = operations.all.filter((one) => !called.includes(one));
  const open = operationsWith(calls, operations.guarded, isSuccess);
  const own = errors.filter(({ title }) => title !== CANNOT_MAKE);
  const troubles = [
    ...failures.map(({ title, count, operations: where }) => `${title}: ${count}, ${where.join(', ')}`),
    ...(own.length > 0 ? [`${own.length} errors of schemathesis itself`] : []),
    ...(REGULAR_ENDS.includes(stopReason) ? [] : [`it stopped early: ${stopReason}`]),
    ...listed(
      'answered 5xx',
      operationsWith(calls, operations.all, (status) => status >= 500),
    ),
    ...listed('never called', meant.callsAll ? missed : []),
    ...listed('open without a key', meant.hasKey ? [] : open),
  ];
  const isExplained = errors.length > own.length;
  return troubles.length === 0 && code !== 0 && !isExplained ? [`schemathesis ended with ${code}`] : troubles;
}

/** One line for people: cases, operations, findings. */
export function describe({ summary, calls }: Finished, { all }: Operations): string {
  const failures = summary.failures.reduce((sum, { count }) => sum + count, 0);
  const succeeded = operationsWith(calls, all, isSuccess).length;
  const called = operationsWith(calls, all, () => true).length;
  return `${summary.test_cases.generated} cases, ${called} of ${all.length} operations called, ${succeeded} with success, ${failures} failures`;
}

function listed(trouble: string, operations: readonly string[]): string[] {
  return operations.length > 0 ? [`${trouble}: ${operations.join(', ')}`] : [];
}
