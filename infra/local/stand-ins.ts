import { providerRouteOf } from '../../shared/contracts/index.ts';
import type { Config } from '../../shared/runtime/config.ts';
import { isLoopback } from '../../shared/runtime/loopback.ts';

/** The settings that name the providers of a channel. */
type RouteSetting = 'EMAIL_PROVIDERS' | 'SMS_PROVIDERS';

/** A provider that the sandbox stands in for while nothing says that the real one is meant. */
interface StandIn {
  /** The provider, by the setting that names it. */
  usedBy: Partial<Record<RouteSetting, string>>;
  /** Any of these says that the real provider is meant, so that half of its credentials never means the sandbox. */
  credentials: readonly (keyof Config)[];
}

const STAND_INS = {
  mail: {
    usedBy: { EMAIL_PROVIDERS: 'smtp', SMS_PROVIDERS: 'sms_gateway' },
    credentials: ['SMTP_URL', 'SMTP_OAUTH', 'SMTP_BACKUP_URL'],
  },
  sms: {
    usedBy: { SMS_PROVIDERS: 'twilio' },
    credentials: ['TWILIO_ACCOUNT_SID', 'TWILIO_AUTH_TOKEN', 'TWILIO_PHONE_NUMBER', 'TWILIO_API_BASE_URL'],
  },
  gmail: {
    usedBy: { EMAIL_PROVIDERS: 'gmail' },
    credentials: [
      'GMAIL_CLIENT_ID',
      'GMAIL_CLIENT_SECRET',
      'GMAIL_REFRESH_TOKEN',
      'GMAIL_SERVICE_ACCOUNT_FILE',
      'GMAIL_USER',
      'GOOGLE_API_BASE_URL',
      'SMTP_OAUTH',
    ],
  },
} as const satisfies Record<string, StandIn>;

/** What the sandbox can stand in for. */
export type StandInName = keyof typeof STAND_INS;

/** Credentials that only a provider uses which the route of its channel must name. */
const OWN_CREDENTIALS: readonly {
  route: RouteSetting;
  provider: string;
  names: readonly (keyof Config)[];
}[] = [
  { route: 'EMAIL_PROVIDERS', provider: 'smtp_backup', names: ['SMTP_BACKUP_URL'] },
  {
    route: 'EMAIL_PROVIDERS',
    provider: 'gmail',
    names: ['GMAIL_CLIENT_ID', 'GMAIL_CLIENT_SECRET', 'GMAIL_REFRESH_TOKEN', 'GMAIL_SERVICE_ACCOUNT_FILE'],
  },
  { route: 'SMS_PROVIDERS', provider: 'twilio', names: ['TWILIO_ACCOUNT_SID', 'TWILIO_AUTH_TOKEN'] },
  { route: 'SMS_PROVIDERS', provider: 'sms_gateway', names: ['SMS_GATEWAY_FROM'] },
];

/** Tells what the sandbox stands in for: each provider that is used and has none of its credentials. */
export function sandboxNeeds(config: Config): Record<StandInName, boolean> {
  const isNeeded = (one: StandIn): boolean =>
    usesOf(config, one).length > 0 && one.credentials.every((name) => config[name] === undefined);
  return {
    mail: isNeeded(STAND_INS.mail),
    sms: isNeeded(STAND_INS.sms),
    gmail: isNeeded(STAND_INS.gmail),
  };
}

/** The providers that the sandbox stands in for, by their names in routes. */
export function sandboxedProviders(config: Config): string[] {
  return neededOf(config).flatMap((one) => usesOf(config, one).map(([, provider]) => provider));
}

/** What keeps the sandbox from standing in for a provider; a line for each problem. */
export function sandboxProblems(config: Config): string[] {
  const providers = sandboxedProviders(config);
  if (providers.length === 0 || config.SANDBOX === '1') return [];
  const reason = refusalOf(config);
  if (reason === undefined) return unusedCredentials(config);
  const first = neededOf(config).map(({ credentials: [name] }) => name);
  return [
    `SANDBOX: must be 1 to send by the sandbox instead of ${providers.join(' and ')}, which reaches nobody, ${reason}; or give the credentials: ${first.join(', ')} and what belongs to them`,
  ];
}

function refusalOf({ SANDBOX, HOST, PUBLIC_URL }: Config): string | undefined {
  if (SANDBOX === '0') return 'for it is 0';
  if (!isLoopback(HOST)) return `for others use this fleet by HOST=${HOST}`;
  return PUBLIC_URL === undefined ? undefined : `for others use this fleet by PUBLIC_URL=${PUBLIC_URL}`;
}

/** Credentials of a provider that its channel does not use, while the sandbox takes what that channel sends. */
function unusedCredentials(config: Config): string[] {
  const routes = new Set(neededOf(config).flatMap((one) => usesOf(config, one).map(([route]) => route)));
  return OWN_CREDENTIALS.filter(({ route, provider }) => routes.has(route) && !names(config[route], provider))
    .flatMap((one) => {
      const [given] = one.names.filter((name) => config[name] !== undefined);
      return given === undefined ? [] : [{ ...one, given }];
    })
    .map(
      ({ route, provider, given }) =>
        `${route}: does not name ${provider}, whose ${given} is set, and the sandbox would take what is sent, which reaches nobody: name ${provider}, unset ${given}, or set SANDBOX=1`,
    );
}

function neededOf(config: Config): StandIn[] {
  return Object.entries(sandboxNeeds(config)).flatMap(([name, isNeeded]) =>
    isNeeded ? [STAND_INS[name as StandInName]] : [],
  );
}

function usesOf(config: Config, { usedBy }: StandIn): [RouteSetting, string][] {
  return (Object.entries(usedBy) as [RouteSetting, string][]).filter(([route, provider]) =>
    names(config[route], provider),
  );
}

function names(route: string, provider: string): boolean {
  return providerRouteOf(route)?.some(({ name }) => name === provider) ?? false;
}
