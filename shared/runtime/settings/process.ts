import { z } from 'zod';
import { providerRouteOf } from '../../contracts/index.ts';
import { providerRoute, url, whole } from './kinds.ts';

/** How a process stops, and what it says of itself. */
export const processSettings = {
  DRAIN_SECONDS: whole(1, 600)
    .default(25)
    .describe('How long a stopping process may finish what is in flight. `npm start` uses 5. Seconds.'),
  DRAIN_NOTICE_SECONDS: whole(0, 60)
    .default(2)
    .describe(
      'How long a stopping producer goes on serving while its /readyz says 503 already, so that load balancers look elsewhere first. `npm start` uses 0. Seconds.',
    ),
  HEALTH_PORT: whole(0, 65_535)
    .default(0)
    .describe('Port of /healthz and /readyz of a consumer or scheduler. 0 takes any free port.'),
  LOG_LEVEL: z
    .enum(['error', 'warn', 'info', 'debug'])
    .default('info')
    .describe('Least severe level that is logged.'),
  LOG_FORMAT: z
    .enum(['json', 'text'])
    .default('json')
    .describe('json: one object a line, for machines. text: readable lines, which `npm start` uses.'),
  LOG_RECIPIENTS: z
    .enum(['redacted', 'full'])
    .default('redacted')
    .describe('redacted: e-mail addresses and phone numbers in the log are masked. full: they are not.'),
  SANDBOX: z
    .enum(['0', '1'], { error: 'must be 1 or 0' })
    .optional()
    .describe(
      '1: `npm start` sends by the sandbox for providers without credentials, which reaches nobody, also with a PUBLIC_URL or a HOST that others reach. 0: never. Without it: on this machine only.',
    ),
  SANDBOX_PROVIDERS: providerRoute
    .transform((text) => (providerRouteOf(text) ?? []).map(({ name }) => name))
    .optional()
    .describe(
      'Providers that the sandbox stands in for, such as smtp,twilio: a banner on every page and the log say so. `npm start` sets it.',
    ),
  SANDBOX_URL: url('http:', 'https:')
    .optional()
    .describe('Address of the sandbox mailbox, linked from the pages. `npm start` sets it.'),
};
