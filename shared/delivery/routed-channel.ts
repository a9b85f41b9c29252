import { providerRouteOf, type RoutedProvider } from '../contracts/index.ts';
import { ConfigError, problemsOf, type Config } from '../runtime/config.ts';
import { SECOND } from '../runtime/duration.ts';
import type { DeliveryChannel } from './channel.ts';
import { Failover } from './failover.ts';
import type { Provider, ProviderMaker } from './provider.ts';
import { Route } from './route.ts';
import { Standings } from './standings.ts';

/** The channels whose providers a setting chooses. */
const SETTINGS = { email: 'EMAIL_PROVIDERS', sms: 'SMS_PROVIDERS' } as const;

/** All providers of a channel that there are, by name. */
type Registry = Readonly<Record<string, ProviderMaker>>;

/**
 * The channel that the providers of its setting carry out, of all that there are.
 * @throws ConfigError when the setting names one that there is not, or a setting of a provider is missing.
 */
export function routedChannel(
  name: keyof typeof SETTINGS,
  registry: Registry,
  config: Config,
): DeliveryChannel {
  const setting = SETTINGS[name];
  const entries = providerRouteOf(config[setting]) ?? [];
  const providers = providersOf(entries, { setting, registry, config });
  const standings = new Standings(providers.map((provider) => provider.name));
  const failover = new Failover({
    providers: new Map(providers.map((provider) => [provider.name, provider])),
    route: new Route(entries),
    standings,
    timeoutMs: config.DELIVERY_TIMEOUT_SECONDS * SECOND,
  });
  return {
    name,
    provider: providers[0]?.name ?? '',
    standings,
    deliver: (notification, signal) => failover.deliver(notification, signal),
    stop: async () => {
      await Promise.all(providers.map((provider) => provider.close?.() ?? Promise.resolve()));
    },
  };
}

/** @throws ConfigError with the problems of all that cannot be made */
function providersOf(
  entries: readonly RoutedProvider[],
  { setting, registry, config }: { setting: string; registry: Registry; config: Config },
): Provider[] {
  const known = Object.keys(registry);
  const unknown = entries.map(({ name }) => name).filter((name) => !known.includes(name));
  const makers = entries.flatMap(({ name }) => (known.includes(name) ? (registry[name] ?? []) : []));
  const providers: Provider[] = [];
  const problems = [
    ...(unknown.length > 0
      ? [`${setting}: there is no provider ${unknown.join(', ')}; there are ${known.join(', ')}`]
      : []),
    ...makers.flatMap((make) => problemsOf(() => providers.push(make(config)))),
  ];
  if (problems.length > 0) throw new ConfigError([...new Set(problems)]);
  return providers;
}
