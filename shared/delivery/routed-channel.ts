import { providerRouteOf, type RoutedProvider } from '../contracts/index.ts';
import { ConfigError, type Config } from '../runtime/config.ts';
import { SECOND } from '../runtime/duration.ts';
import type { DeliveryChannel } from './channel.ts';
import { Failover } from './failover.ts';
import type { Provider, ProviderMaker } from './provider.ts';
import { Route } from './route.ts';
import { Standings } from './standings.ts';

/** The channels whose providers a setting chooses. */
const SETTINGS = { email: 'EMAIL_PROVIDERS', sms: 'SMS_PROVIDERS' } as const;

/**
 * The channel that the providers of its setting carry out, of all that there are.
 * @throws ConfigError when the setting names one that there is not, or a setting of a provider is missing.
 */
export function routedChannel(
  name: keyof typeof SETTINGS,
  registry: Readonly<Record<string, ProviderMaker>>,
  config: Config,
): DeliveryChannel {
  const entries = routeOf(SETTINGS[name], registry, config);
  const providers = entries.flatMap((entry) => registry[entry.name]?.(config) ?? []);
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
    deliver: deliverBy(failover, providers),
    stop: async () => {
      await Promise.all(providers.map((provider) => provider.close?.() ?? Promise.resolve()));
    },
  };
}

/** With one provider that takes everything there is nothing to choose. */
function deliverBy(failover: Failover, [only, second]: readonly Provider[]): DeliveryChannel['deliver'] {
  const choose: DeliveryChannel['deliver'] = (notification, signal) => failover.deliver(notification, signal);
  if (!only || second || only.refusalOf) return choose;
  return (notification, signal) =>
    notification.via === undefined ? only.send(notification, signal) : choose(notification, signal);
}

function routeOf(
  setting: (typeof SETTINGS)[keyof typeof SETTINGS],
  registry: Readonly<Record<string, ProviderMaker>>,
  config: Config,
): readonly RoutedProvider[] {
  const route = providerRouteOf(config[setting]) ?? [];
  const unknown = route.filter(({ name }) => !Object.hasOwn(registry, name)).map(({ name }) => name);
  if (unknown.length === 0) return route;
  const known = Object.keys(registry).join(', ');
  throw new ConfigError(`${setting}: there is no provider ${unknown.join(', ')}; there are ${known}`);
}
