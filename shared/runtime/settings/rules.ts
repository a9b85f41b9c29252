import { Carriers } from '../../contracts/index.ts';
import { isLoopback } from '../loopback.ts';
import { DEFAULT_MAIL_FROM } from './email.ts';

/** What is wrong between settings: which one, and what it must be. */
export interface SettingProblem {
  name: string;
  message: string;
}

/** What the rules look at; each may be missing. */
interface Settings {
  HOST: string;
  GRPC_PORT?: number | undefined;
  GRPC_TLS_CERT_FILE?: string | undefined;
  MAIL_FROM: string;
  SMTP_URL?: string | undefined;
  SMTP_BACKUP_URL?: string | undefined;
  BOUNCE_DOMAIN?: string | undefined;
  BOUNCE_PORT?: number | undefined;
  SMS_GATEWAY_CARRIERS?: string | undefined;
  SMS_GATEWAY_DEFAULT_CARRIER?: string | undefined;
}

/** Given all or not at all. Without one of the first, tokens of any issuer, or for any audience, would be taken. */
const TOGETHER = [
  ['JWKS_URL', 'JWT_ISSUER', 'JWT_AUDIENCE'],
  ['GRPC_TLS_CERT_FILE', 'GRPC_TLS_KEY_FILE'],
  ['BOUNCE_DOMAIN', 'BOUNCE_SECRET'],
];

/** What settings that are valid one by one do not allow together. */
export function problemsBetween(settings: Settings): SettingProblem[] {
  return [
    ...missing(settings),
    ...openGrpc(settings),
    ...homelessReports(settings),
    ...unknownCarrier(settings),
    ...namelessSender(settings),
  ];
}

function missing(settings: object): SettingProblem[] {
  const isGiven = (name: string): boolean => (settings as Record<string, unknown>)[name] !== undefined;
  return TOGETHER.filter((names) => names.some(isGiven)).flatMap((names) =>
    names
      .filter((name) => !isGiven(name))
      .map((name) => ({
        name,
        message: `is needed beside ${names.filter((one) => one !== name).join(' and ')}`,
      })),
  );
}

function openGrpc({ GRPC_PORT, GRPC_TLS_CERT_FILE, HOST }: Settings): SettingProblem[] {
  if (GRPC_PORT === undefined || GRPC_TLS_CERT_FILE !== undefined || isLoopback(HOST)) return [];
  const message = `is needed, for on ${HOST} keys would be sent in the clear: give it with GRPC_TLS_KEY_FILE, or leave GRPC_PORT out`;
  return [{ name: 'GRPC_TLS_CERT_FILE', message }];
}

function homelessReports(settings: Settings): SettingProblem[] {
  const isHomeless = settings.BOUNCE_PORT !== undefined && settings.BOUNCE_DOMAIN === undefined;
  return isHomeless ? [{ name: 'BOUNCE_DOMAIN', message: 'is needed beside BOUNCE_PORT' }] : [];
}

/** A mail server on this machine may be the sandbox; any other delivers to people, who cannot answer the sandbox's sender. */
function namelessSender(settings: Settings): SettingProblem[] {
  const real = (['SMTP_URL', 'SMTP_BACKUP_URL'] as const).find((name) => {
    const url = settings[name];
    return url !== undefined && !isLoopback(new URL(url).hostname);
  });
  if (real === undefined || settings.MAIL_FROM !== DEFAULT_MAIL_FROM) return [];
  return [
    { name: 'MAIL_FROM', message: `is needed beside ${real}: who sends, such as Shop <shop@example.org>` },
  ];
}

function unknownCarrier(settings: Settings): SettingProblem[] {
  const { SMS_GATEWAY_CARRIERS: own, SMS_GATEWAY_DEFAULT_CARRIER: byDefault } = settings;
  const carriers = new Carriers({ own });
  // One that closed its gateway some day must not keep every service from starting from then on: each text is refused with the reason.
  if (byDefault === undefined || carriers.knows(byDefault)) return [];
  return [{ name: 'SMS_GATEWAY_DEFAULT_CARRIER', message: `must be one of ${carriers.names.join(', ')}` }];
}
