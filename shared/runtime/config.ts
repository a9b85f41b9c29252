import { z } from 'zod';
import {
  Carriers,
  isCarrierList,
  isCountryList,
  isSenderList,
  mailboxOf,
  providerRouteOf,
} from '../contracts/index.ts';
import { isLoopback } from './loopback.ts';
import { parseDuration, DAY, formatDuration } from './duration.ts';

/** The delays of the retry ladder, in milliseconds, first tier first. */
export type RetryDelays = readonly number[];

const url = (...protocols: string[]) =>
  z.string().refine((text) => URL.canParse(text) && protocols.includes(new URL(text).protocol), {
    error: `must be a URL that starts with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`,
  });

/** Names several members, so it is no URL as the standard has it. */
const mongoUri = z.string().regex(/^mongodb(\+srv)?:\/\/[^\s/?]+/, {
  error: 'must be a URL that starts with mongodb:// or mongodb+srv://; several hosts are separated by commas',
});

/** Several nodes of one cluster, separated by commas: any of them will do. */
const urls = (...protocols: string[]) =>
  z.string().refine((text) => text.split(',').every((one) => url(...protocols).safeParse(one).success), {
    error: `must be one or more URLs, separated by commas, that start with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`,
  });

const whole = (min: number, max: number) =>
  z.coerce
    .number({ error: `must be a whole number from ${min} to ${max}` })
    .int({ error: `must be a whole number from ${min} to ${max}` })
    .min(min, { error: `must be at least ${min}` })
    .max(max, { error: `must be at most ${max}` });

/** Nobody is between us and an address of this machine. */
function isSafeWay({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' || isLoopback(hostname);
}

/** Given all or not at all. Without one of the first, tokens of any issuer, or for any audience, would be taken. */
const TOGETHER = [
  ['JWKS_URL', 'JWT_ISSUER', 'JWT_AUDIENCE'],
  ['GRPC_TLS_CERT_FILE', 'GRPC_TLS_KEY_FILE'],
] as const;

function missingOf(names: readonly string[], settings: Readonly<Record<string, unknown>>): string[] {
  const missing = names.filter((name) => settings[name] === undefined);
  return missing.length === names.length ? [] : missing;
}

/** What a browser says in `Origin`: scheme, host and port, nothing behind. */
function isOrigin(text: string): boolean {
  return url('http:', 'https:').safeParse(text).success && new URL(text).origin === text;
}

/** Where secrets are sent to: by TLS, or to this machine. */
const safeUrl = url('http:', 'https:').refine((text) => !URL.canParse(text) || isSafeWay(new URL(text)), {
  error: 'must begin with https://, but for this machine: whoever is on the way would read the tokens',
});

const domainName = z
  .string()
  .regex(/^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{1,62}$/i, {
    error: 'must be a domain such as example.org',
  });

/** Requests per second, or none. */
const perSecond = whole(0, 1_000_000);

const providerRoute = z.string().refine((text) => providerRouteOf(text) !== undefined, {
  error:
    'must be names of providers in order, separated by commas, each once; those that share by weight come first, such as a=3,b=1,c',
});

const retryDelays = z.string().transform((text, context): RetryDelays => {
  const delays = text.split(',').map(parseDuration);
  const valid = delays.filter((ms): ms is number => ms !== undefined && ms >= 100 && ms <= DAY);
  if (valid.length === delays.length && valid.length <= 20) return valid;
  context.addIssue(
    `must be 1 to 20 delays between 100ms and ${formatDuration(DAY)}, separated by commas, such as 30s,2m,10m,30m,1h`,
  );
  return z.NEVER;
});

const recipientLimit = (what: string) =>
  whole(1, 100_000)
    .optional()
    .describe(
      `${what} that one recipient gets in an hour at most; what is more waits, and expires. Unlimited when not set.`,
    );

/**
 * Every setting of the fleet: one schema, from which `.env.example` and the README's table are generated.
 * A setting without default is optional, and its description says what happens without it.
 */
export const configSchema = z
  .object({
    PORT: whole(0, 65_535)
      .default(3000)
      .describe('Port of the producer: API, pages and probes. 0 takes any free port.'),
    HOST: z
      .string()
      .min(1)
      .default('127.0.0.1')
      .describe(
        'Address the producer and the probes listen on. On another one than a loopback address, the pages need PUBLIC_URL.',
      ),
    GRPC_PORT: whole(0, 65_535)
      .optional()
      .describe(
        'Port of the producer for gRPC; 0 takes any free one. Off when not set; `npm start` takes 50051, or another one where that is taken.',
      ),
    GRPC_TLS_CERT_FILE: z
      .string()
      .min(1)
      .optional()
      .describe(
        'Certificate of the gRPC server, with its chain, in PEM. Without it gRPC is in the clear, on a loopback HOST only.',
      ),
    GRPC_TLS_KEY_FILE: z.string().min(1).optional().describe('Its private key, in PEM.'),
    PUBLIC_URL: url('http:', 'https:')
      .refine((text) => !URL.canParse(text) || new URL(text).pathname === '/', { error: 'must have no path' })
      .optional()
      .describe(
        'Address under which people reach the pages, such as https://tidings.example.org. Without it: this machine only.',
      ),
    ALLOWED_ORIGINS: z
      .string()
      .refine((text) => text.split(',').every(isOrigin), {
        error:
          'must be one or more origins, separated by commas, without a path or a slash at the end, such as http://localhost:4200,https://app.example.org',
      })
      .optional()
      .describe(
        'Pages of other origins that may follow and make task updates from a browser, such as http://localhost:4200. Without it: none.',
      ),
    TRUSTED_PROXIES: whole(0, 10)
      .default(0)
      .describe(
        'Proxies before the producer whose X-Forwarded-For is believed: limits, and keys with allow_from, go by the address. With PUBLIC_URL usually 1.',
      ),
    RABBITMQ_URL: urls('amqp:', 'amqps:')
      .default('amqp://guest:guest@127.0.0.1:5672')
      .describe(
        'RabbitMQ, 3.10 or later; the nodes of a cluster separated by commas. `npm start` provides one when this is not set.',
      ),
    RABBITMQ_MANAGEMENT_URL: url('http:', 'https:')
      .optional()
      .describe(
        'RabbitMQ management API, with user and password. Without it the broker policy audit is off.',
      ),
    MONGO_URI: mongoUri
      .default('mongodb://127.0.0.1:27017/tidings?replicaSet=rs0')
      .describe(
        'MongoDB 6.0 or later, a replica set, with the database name. `npm start` provides one when this is not set.',
      ),
    SMTP_URL: url('smtp:', 'smtps:')
      .optional()
      .describe(
        'Mail server, such as smtps://user:password@mail.example.org. `npm start` uses the sandbox when this is not set.',
      ),
    SMTP_BACKUP_URL: url('smtp:', 'smtps:')
      .optional()
      .describe('Another mail server, for the provider smtp_backup; EMAIL_PROVIDERS says when it is used.'),
    EMAIL_PROVIDERS: providerRoute
      .default('smtp')
      .describe(
        'Providers of e-mail in order: the next one takes over while the one before is down, such as smtp,smtp_backup. With weights the first ones share, such as smtp=3,smtp_backup=1.',
      ),
    MAIL_FROM: z
      .string()
      .regex(/^[^\r\n]+$/, { error: 'must be one line' })
      .default('Tidings <tidings@localhost.example>')
      .describe('From of every e-mail; its domain is also the domain of every Message-ID.'),
    ALLOWED_SENDERS: z
      .string()
      .refine(isSenderList, {
        error: 'must be addresses, or domains such as @example.org, separated by commas',
      })
      .optional()
      .describe(
        'Addresses, and domains such as @example.org, that a notification may name as its From, besides MAIL_FROM. Without it: MAIL_FROM only.',
      ),
    SMTP_OAUTH: z
      .enum(['google'], { error: 'must be google' })
      .optional()
      .describe(
        'google: the consumer signs in to SMTP_URL, such as smtps://smtp.gmail.com, as GMAIL_USER by the tokens of GMAIL_* (XOAUTH2). Without it: by the password of SMTP_URL.',
      ),
    GMAIL_CLIENT_ID: z
      .string()
      .regex(/^[\x21-\x7e]{1,256}$/, { error: 'must be as Google shows it, without spaces' })
      .optional()
      .describe('OAuth client of the Gmail API, of the kind "Desktop app". See docs/gmail.md.'),
    GMAIL_CLIENT_SECRET: z.string().min(1).optional().describe('Secret of that client.'),
    GMAIL_REFRESH_TOKEN: z
      .string()
      .min(1)
      .optional()
      .describe('By it the consumer gets its access tokens. `npm run gmail:connect` gets one.'),
    GMAIL_SERVICE_ACCOUNT_FILE: z
      .string()
      .min(1)
      .optional()
      .describe(
        'Key file (JSON) of a service account with domain-wide delegation, instead of client and refresh token. It acts as GMAIL_USER.',
      ),
    GMAIL_USER: z
      .email({ error: 'must be an address such as notifications@example.org' })
      .optional()
      .describe('Mailbox that sends: needed with a service account, and with SMTP_OAUTH.'),
    GMAIL_CONCURRENCY: whole(1, 1000)
      .default(10)
      .describe('E-mails being handed to the Gmail API at once by one process; Google refuses many at once.'),
    GOOGLE_API_BASE_URL: safeUrl
      .optional()
      .describe(
        'Another address that speaks the Gmail API and Google’s OAuth; the sandbox sets it. Without it, Google itself.',
      ),
    DKIM_DOMAIN: domainName
      .optional()
      .describe(
        'Domain in whose name e-mails are signed (DKIM) when their From is of it or below it. With it DKIM_KEY_FILE is needed. Gmail signs by itself.',
      ),
    DKIM_SELECTOR: z
      .string()
      .regex(/^(?=.{1,63}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/i, {
        error: 'must be letters, digits and hyphens, such as tidings',
      })
      .default('tidings')
      .describe('Name of the key under that domain: <selector>._domainkey.<domain>.'),
    DKIM_KEY_FILE: z
      .string()
      .min(1)
      .optional()
      .describe(
        'Private RSA key (PEM) that signs. `npm run dkim:record` makes one, and prints what belongs into DNS.',
      ),
    SMS_PROVIDERS: providerRoute.default('twilio').describe('Providers of SMS in order, as EMAIL_PROVIDERS.'),
    SMS_GATEWAY_FROM: z
      .string()
      .refine((text) => mailboxOf(text) !== undefined, {
        error: 'must be an address such as sms@example.org',
      })
      .optional()
      .describe(
        'From of texts that go to the gateways of carriers as mails, such as sms@example.org; for the provider sms_gateway, which sends by SMTP_URL.',
      ),
    SMS_GATEWAY_CARRIERS: z
      .string()
      .refine(isCarrierList, {
        error:
          'must be carriers and the domains of their gateways, such as acme=sms.acme.example, or acme:DE=sms.acme.example for numbers of one country, separated by commas',
      })
      .optional()
      .describe(
        'More carriers with gateways than docs/sms-gateway.md lists, or other domains for those, such as acme:DE=sms.acme.example.',
      ),
    SMS_GATEWAY_DEFAULT_CARRIER: z
      .string()
      .optional()
      .describe('Carrier of texts to a gateway that name none. Without it, each has to.'),
    TWILIO_ACCOUNT_SID: z
      .string()
      .regex(/^AC[0-9a-fA-F]{32}$/, { error: 'must be AC and 32 hexadecimal digits' })
      .optional()
      .describe('Twilio account. `npm start` uses the sandbox when this is not set.'),
    TWILIO_AUTH_TOKEN: z.string().min(1).optional().describe('Twilio secret.'),
    TWILIO_PHONE_NUMBER: z
      .string()
      .regex(/^\+[1-9]\d{6,14}$/, { error: 'must be an E.164 number such as +15005550006' })
      .optional()
      .describe('Sender of every SMS, in E.164.'),
    TWILIO_API_BASE_URL: url('http:', 'https:')
      .optional()
      .describe(
        'Another address that speaks the Twilio API; the sandbox sets it. Without it, Twilio itself.',
      ),
    TWILIO_STATUS_CALLBACK_URL: z
      .union([z.literal('off'), url('http:', 'https:')], {
        error: 'must be off, or a URL that starts with http:// or https://',
      })
      .optional()
      .describe(
        'Where Twilio reports what became of an SMS, as Twilio reaches it. Without it: /v1/callbacks/twilio/status under a PUBLIC_URL with https, else nowhere. off: nowhere.',
      ),
    BOUNCE_DOMAIN: z
      .string()
      .regex(/^(?=.{1,190}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}$/, {
        error: 'must be a domain in small letters, such as bounces.example.org',
      })
      .optional()
      .describe(
        'Domain of the return path of every e-mail, whose mail gets to BOUNCE_PORT or to POST /v1/callbacks/email/dsn. Without it, mail that comes back is not noticed.',
      ),
    BOUNCE_SECRET: z
      .string()
      .regex(/^[\x21-\x7e]{16,256}$/, { error: 'must be 16 to 256 printable characters without spaces' })
      .optional()
      .describe(
        'Signs those return paths, so that nobody makes one up. The same for producers and e-mail consumers.',
      ),
    BOUNCE_PORT: whole(0, 65_535)
      .optional()
      .describe('Port on which the producer takes delivery reports by SMTP. Without it, by HTTP only.'),
    RETRY_DELAYS: retryDelays
      .prefault('30s,2m,10m,30m,1h')
      .describe('Delays of the retry ladder. One more attempt than delays is made.'),
    EMAIL_CONCURRENCY: whole(1, 1000)
      .default(20)
      .describe('E-mails being sent at once by one process; as many SMTP connections.'),
    EMAIL_IN_HAND: whole(1, 5000)
      .default(200)
      .describe(
        'E-mails of one process that are claimed and not recorded yet, at most: so many may be marked as ambiguous after a crash.',
      ),
    SMS_CONCURRENCY: whole(1, 1000).default(20).describe('SMS being sent at once by one process.'),
    EMAIL_PER_SECOND: whole(1, 100_000)
      .optional()
      .describe('E-mails that one process hands over in a second at most. Unlimited when not set.'),
    SMS_PER_SECOND: whole(1, 100_000)
      .optional()
      .describe('SMS that one process hands over in a second at most. Unlimited when not set.'),
    IN_APP_CONCURRENCY: whole(1, 5000)
      .default(500)
      .describe('In-app notifications being delivered at once by one process.'),
    LEASE_SECONDS: whole(2, 600)
      .default(15)
      .describe(
        'How long a claim holds without renewal; a crashed delivery is taken over after it. Seconds.',
      ),
    DELIVERY_TIMEOUT_SECONDS: whole(1, 600)
      .default(30)
      .describe('How long one attempt at a provider may take. Seconds.'),
    DRAIN_SECONDS: whole(1, 600)
      .default(25)
      .describe('How long a stopping process may finish what is in flight. `npm start` uses 5. Seconds.'),
    DRAIN_NOTICE_SECONDS: whole(0, 60)
      .default(2)
      .describe(
        'How long a stopping producer goes on serving while its /readyz says 503 already, so that load balancers look elsewhere first. `npm start` uses 0. Seconds.',
      ),
    RETENTION_DAYS: whole(1, 3650)
      .default(30)
      .describe('How long a finished notification is kept. A dead letter never expires. Days.'),
    HEALTH_PORT: whole(0, 65_535)
      .default(0)
      .describe('Port of /healthz and /readyz of a consumer or scheduler. 0 takes any free port.'),
    API_KEY: z
      .string()
      .regex(/^[\x21-\x7e]{16,256}$/, { error: 'must be 16 to 256 printable characters without spaces' })
      .optional()
      .describe(
        'Bearer key of the API, with every right. `npm start` makes one, kept under .data/, when this is not set.',
      ),
    JWKS_URL: url('http:', 'https:')
      .refine((text) => !URL.canParse(text) || isSafeWay(new URL(text)), {
        error:
          'must begin with https://, but for this machine: whoever is on the way would sign what they like',
      })
      .optional()
      .describe(
        'Public keys of an issuer whose tokens the API takes, such as https://id.example.org/.well-known/jwks.json. With it JWT_ISSUER and JWT_AUDIENCE are needed.',
      ),
    JWT_ISSUER: z
      .string()
      .min(1)
      .refine((text) => text !== 'tidings', { error: 'must not be tidings: that is the fleet itself' })
      .optional()
      .describe('The iss that those tokens must have.'),
    JWT_AUDIENCE: z.string().min(1).optional().describe('The aud that those tokens must have.'),
    KEY_REQUESTS_PER_SECOND: perSecond
      .default(100)
      .describe(
        'Requests a second that each producer takes from one key, account or person; a key may have its own number. 0: no limit. API_KEY has none.',
      ),
    ADDRESS_REQUESTS_PER_SECOND: perSecond
      .default(300)
      .describe(
        'Requests a second that each producer takes from one address without good credentials, pages among them. 0: no limit.',
      ),
    AMQP_REQUESTS_PER_SECOND: perSecond
      .default(1_000)
      .describe(
        'Requests a second that each producer takes from one sender by AMQP; what is more waits in its queue. 0: no limit.',
      ),
    REQUEST_TIMEOUT_SECONDS: whole(1, 600)
      .default(30)
      .describe('How long a client may take to send a request. Seconds.'),
    EMAIL_PER_RECIPIENT_HOUR: recipientLimit('E-mails'),
    SMS_PER_RECIPIENT_HOUR: recipientLimit('SMS'),
    IN_APP_PER_RECIPIENT_HOUR: recipientLimit('In-app notifications'),
    SMS_COUNTRIES: z
      .string()
      .refine(isCountryList, { error: 'must be country codes such as US,CA, or *' })
      .optional()
      .describe(
        'Countries that SMS may go to, such as US,CA; * is every one. Without it: the country of TWILIO_PHONE_NUMBER.',
      ),
    AUDIT_RETENTION_DAYS: whole(1, 3650)
      .default(365)
      .describe('How long the audit keeps who did what. Days.'),
    LOG_RECIPIENTS: z
      .enum(['redacted', 'full'])
      .default('redacted')
      .describe('redacted: e-mail addresses and phone numbers in the log are masked. full: they are not.'),
    SANDBOX_URL: url('http:', 'https:')
      .optional()
      .describe('Address of the sandbox mailbox, linked from the pages. `npm start` sets it.'),
    LOG_LEVEL: z
      .enum(['error', 'warn', 'info', 'debug'])
      .default('info')
      .describe('Least severe level that is logged.'),
    LOG_FORMAT: z
      .enum(['json', 'text'])
      .default('json')
      .describe('json: one object a line, for machines. text: readable lines, which `npm start` uses.'),
  })
  .superRefine((settings, context) => {
    for (const names of TOGETHER)
      for (const name of missingOf(names, settings))
        context.addIssue({
          code: 'custom',
          path: [name],
          message: `is needed beside ${names.filter((one) => one !== name).join(' and ')}`,
        });
  })
  .superRefine(({ GRPC_PORT, GRPC_TLS_CERT_FILE, HOST }, context) => {
    if (GRPC_PORT === undefined || GRPC_TLS_CERT_FILE !== undefined || isLoopback(HOST)) return;
    const message = `is needed, for on ${HOST} keys would be sent in the clear: give it with GRPC_TLS_KEY_FILE, or leave GRPC_PORT out`;
    context.addIssue({ code: 'custom', path: ['GRPC_TLS_CERT_FILE'], message });
  })
  .superRefine(({ BOUNCE_DOMAIN, BOUNCE_SECRET, BOUNCE_PORT }, context) => {
    const missing = (name: string, beside: string): void => {
      context.addIssue({ code: 'custom', path: [name], message: `is needed beside ${beside}` });
    };
    if (BOUNCE_DOMAIN !== undefined && BOUNCE_SECRET === undefined) missing('BOUNCE_SECRET', 'BOUNCE_DOMAIN');
    if (BOUNCE_PORT !== undefined && BOUNCE_DOMAIN === undefined) missing('BOUNCE_DOMAIN', 'BOUNCE_PORT');
  })
  .superRefine(({ SMS_GATEWAY_CARRIERS: own, SMS_GATEWAY_DEFAULT_CARRIER: byDefault }, context) => {
    const { names } = new Carriers({ own });
    if (byDefault === undefined || names.includes(byDefault)) return;
    const message = `must be one of ${names.join(', ')}`;
    context.addIssue({ code: 'custom', path: ['SMS_GATEWAY_DEFAULT_CARRIER'], message });
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
