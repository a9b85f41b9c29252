import { z } from 'zod';
import { setIn } from './environment.ts';
import { accessSettings } from './settings/access.ts';
import { deliverySettings } from './settings/delivery.ts';
import { emailSettings } from './settings/email.ts';
import { gmailSettings } from './settings/gmail.ts';
import { httpSettings } from './settings/http.ts';
import { processSettings } from './settings/process.ts';
import { problemsBetween, type SettingProblem } from './settings/rules.ts';
import { serverSettings } from './settings/servers.ts';
import { smsSettings } from './settings/sms.ts';

export type { RetryDelays } from './settings/kinds.ts';

/**
 * Every setting of the fleet: one schema, from which `.env.example` and the README's table are generated.
 * A setting without default is optional, and its description says what happens without it.
 */
export const configSchema = z.object({
  ...httpSettings,
  ...serverSettings,
  ...accessSettings,
  ...emailSettings,
  ...gmailSettings,
  ...smsSettings,
  ...deliverySettings,
  ...processSettings,
});

/** The validated settings. */
export type Config = z.output<typeof configSchema>;

/** The environment does not make a valid configuration; the message lists every problem. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  /** Each one a line for people, such as `SMTP_URL: is needed`. */
  readonly problems: readonly string[];

  constructor(problems: string | readonly string[], heading?: string) {
    const lines = typeof problems === 'string' ? [problems] : problems;
    super(heading === undefined ? lines.join('\n') : [heading, ...lines].join('\n  '));
    this.problems = lines;
  }
}

/** What else somebody asks of settings that are good one by one: a line for each problem. */
export type ConfigCheck = (config: Config) => readonly string[];

/**
 * Reads the settings from an environment. An empty value counts as not set, as in a copied `.env.example`. `check` looks at what is good, also
 * where something else is not, so that one message says all.
 * @throws ConfigError that names every bad setting and what it must be.
 */
export function readConfig(
  env: Readonly<Record<string, string | undefined>> = process.env,
  check: ConfigCheck = () => [],
): Config {
  const given = Object.entries(setIn(env));
  const { data, error } = configSchema.safeParse(Object.fromEntries(given));
  const bad = error?.issues.map(({ path }) => path.join('.')) ?? [];
  const good = data ?? configSchema.parse(Object.fromEntries(given.filter(([name]) => !bad.includes(name))));
  const more = [...blank(given), ...linesOf(problemsBetween(good)), ...check(good)];
  const problems = [
    ...(error?.issues.map(({ message }, index) => `${bad[index] ?? ''}: ${message}`) ?? []),
    // What misses a setting that is there, and is bad, says nothing new.
    ...new Set(more.filter((problem) => !bad.some((name) => new RegExp(`\\b${name}\\b`).test(problem)))),
  ];
  if (problems.length === 0) return good;
  throw new ConfigError(problems, `The environment has ${problems.length} problem(s):`);
}

/**
 * Answers settings that somebody needs, all of them given. `hints`: the names, each with an example or an advice, or nothing.
 * @throws ConfigError with a line for each that is missing.
 */
export function required<Name extends keyof Config>(
  config: Config,
  by: string,
  hints: Readonly<Record<Name, string>>,
): { [K in Name]: NonNullable<Config[K]> } {
  const needed = Object.keys(hints) as Name[];
  const missing = needed.filter((name) => config[name] === undefined);
  const beside = needed.filter((name) => !missing.includes(name));
  const given = beside.length > 0 ? ` beside ${beside.join(' and ')}` : '';
  const lines = missing.map(
    (name) => `${name}: is needed${given} by ${by}${hints[name] === '' ? '' : `, ${hints[name]}`}`,
  );
  if (lines.length > 0) throw new ConfigError(lines);
  return Object.fromEntries(needed.map((name) => [name, config[name]])) as {
    [K in Name]: NonNullable<Config[K]>;
  };
}

/** What is wrong with the settings for somebody who makes something of them. Whatever else is thrown is thrown on. */
export function problemsOf(make: () => unknown): readonly string[] {
  try {
    make();
    return [];
  } catch (thrown) {
    if (thrown instanceof ConfigError) return thrown.problems;
    throw thrown;
  }
}

/** Finds settings that contain only white space: they are mistakes, and no secret consists of blanks. */
function blank(given: readonly [string, string][]): string[] {
  return given
    .filter(([name, value]) => name in configSchema.shape && value.trim() === '')
    .map(([name]) => `${name}: must not be white space alone; leave it empty where it is not to be set`);
}

function linesOf(problems: readonly SettingProblem[]): string[] {
  return problems.map(({ name, message }) => `${name}: ${message}`);
}
