import { z } from 'zod';
import { addressBlock, providerRouteOf } from '../../contracts/index.ts';
import { DAY, formatDuration, parseDuration } from '../duration.ts';
import { toError } from '../errors.ts';
import { isLoopback } from '../loopback.ts';
import { rabbitmqUrlOf } from '../rabbitmq-url.ts';

/** The delays of the retry ladder, in milliseconds, first tier first. */
export type RetryDelays = readonly number[];

export const url = (...protocols: string[]) =>
  z.string().refine((text) => URL.canParse(text) && protocols.includes(new URL(text).protocol), {
    error: `must be a URL that starts with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`,
  });

/** Names several members, so it is no URL as the standard has it. */
export const mongoUri = z.string().regex(/^mongodb(\+srv)?:\/\/[^\s/?]+/, {
  error: 'must be a URL that starts with mongodb:// or mongodb+srv://; several hosts are separated by commas',
});

/** The nodes of a cluster of RabbitMQ, with one virtual host. */
export const rabbitmqUrl = z.string().superRefine((text, context) => {
  try {
    rabbitmqUrlOf(text);
  } catch (thrown) {
    context.addIssue(toError(thrown).message);
  }
});

export const whole = (min: number, max: number) =>
  z.coerce
    .number({ error: `must be a whole number from ${min} to ${max}` })
    .int({ error: `must be a whole number from ${min} to ${max}` })
    .min(min, { error: `must be at least ${min}` })
    .max(max, { error: `must be at most ${max}` });

/** A number of proxies, or their addresses and blocks. */
export const trustedProxies = z.string().transform((text, context): number | readonly string[] => {
  const hops = whole(0, 10).safeParse(text.trim());
  if (hops.success) return hops.data;
  const blocks = z.array(addressBlock).safeParse(text.split(',').map((one) => one.trim()));
  if (blocks.success) return blocks.data;
  context.addIssue(
    'must be a number of proxies from 0 to 10, or their addresses and blocks separated by commas, such as 10.0.0.0/8,127.0.0.1',
  );
  return z.NEVER;
});

/** Nobody is between us and an address of this machine. */
export function isSafeWay({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' || isLoopback(hostname);
}

/** What a browser says in `Origin`: scheme, host and port, nothing behind. */
export function isOrigin(text: string): boolean {
  return url('http:', 'https:').safeParse(text).success && new URL(text).origin === text;
}

/** Where secrets are sent to: by TLS, or to this machine. */
export const safeUrl = url('http:', 'https:').refine(
  (text) => !URL.canParse(text) || isSafeWay(new URL(text)),
  {
    error: 'must begin with https://, except for this machine: anybody on the way could read the credentials',
  },
);

export const domainName = z
  .string()
  .regex(/^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{1,62}$/i, {
    error: 'must be a domain such as example.org',
  });

/** Requests per second, or none. */
export const perSecond = whole(0, 1_000_000);

export const providerRoute = z.string().refine((text) => providerRouteOf(text) !== undefined, {
  error:
    'must be names of providers in order, separated by commas, each once; those that share by weight come first, such as a=3,b=1,c',
});

export const retryDelays = z.string().transform((text, context): RetryDelays => {
  const delays = text.split(',').map(parseDuration);
  const valid = delays.filter((ms): ms is number => ms !== undefined && ms >= 100 && ms <= DAY);
  if (valid.length === delays.length && valid.length <= 20) return valid;
  context.addIssue(
    `must be 1 to 20 delays between 100ms and ${formatDuration(DAY)}, separated by commas, such as 30s,2m,10m,30m,1h`,
  );
  return z.NEVER;
});

export const recipientLimit = (what: string) =>
  whole(1, 100_000)
    .optional()
    .describe(
      `${what} that one recipient gets in an hour at most; what is more waits, and expires. Unlimited when not set.`,
    );
