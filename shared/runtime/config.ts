import { z } from 'zod';
import { accessSettings } from './settings/access.ts';
import { deliverySettings } from './settings/delivery.ts';
import { emailSettings } from './settings/email.ts';
import { gmailSettings } from './settings/gmail.ts';
import { httpSettings } from './settings/http.ts';
import { processSettings } from './settings/process.ts';
import { problemsBetween } from './settings/rules.ts';
import { serverSettings } from './settings/servers.ts';
import { smsSettings } from './settings/sms.ts';

export type { RetryDelays } from './settings/kinds.ts';

/**
 * Every setting of the fleet: one schema, from which `.env.example` and the README's table are generated.
 * A setting without default is optional, and its description says what happens without it.
 */
export const configSchema = z
  .object({
    ...httpSettings,
    ...serverSettings,
    ...accessSettings,
    ...emailSettings,
    ...gmailSettings,
    ...smsSettings,
    ...deliverySettings,
    ...processSettings,
  })
  .superRefine((settings, context) => {
    for (const { name, message } of problemsBetween(settings))
      context.addIssue({ code: 'custom', path: [name], message });
  });

/** The validated settings. */
export type Config = z.output<typeof configSchema>;

/** The environment does not make a valid configuration; the message lists every problem. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/**
 * Reads the settings from an environment. An empty value counts as not set, as in a copied `.env.example`.
 * @throws ConfigError that names every bad setting and what it must be.
 */
export function readConfig(env: Readonly<Record<string, string | undefined>> = process.env): Config {
  const given = Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== undefined && value !== ''),
  );
  const result = configSchema.safeParse(given);
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => `  ${issue.path.join('.')}: ${issue.message}`);
  throw new ConfigError(`The environment has ${problems.length} problem(s):\n${problems.join('\n')}`);
}
