/** One provider in the order of a channel. */
export interface RoutedProvider {
  name: string;
  /** Its share among those of the first group; undefined for those that come one after another. */
  weight: number | undefined;
}

const ENTRY = /^(?<name>[a-z][a-z0-9_]{0,31})(?:=(?<weight>[1-9]\d{0,2}))?$/;

/**
 * Reads the order of a channel's providers: `a,b` is a, then b; in `a=3,b=1,c` a and b share by weight, and c comes after both. Undefined
 * when it is none: a name that no provider could have, one that comes twice, or a weight behind a name without.
 */
export function providerRouteOf(text: string): RoutedProvider[] | undefined {
  const entries = text.split(',').map((entry) => ENTRY.exec(entry.trim())?.groups);
  const route = entries.flatMap((groups) => (groups?.name === undefined ? [] : [routed(groups)]));
  const isWhole =
    route.length === entries.length && new Set(route.map(({ name }) => name)).size === route.length;
  const firstPlain = route.findIndex(({ weight }) => weight === undefined);
  const isGrouped = firstPlain === -1 || route.slice(firstPlain).every(({ weight }) => weight === undefined);
  return isWhole && isGrouped ? route : undefined;
}

function routed({ name = '', weight }: Record<string, string | undefined>): RoutedProvider {
  return { name, weight: weight === undefined ? undefined : Number(weight) };
}
