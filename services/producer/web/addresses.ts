/** A path of ours that an address or a form names; anything that leads elsewhere is the start page. */
export function pathWithin(next: unknown): string {
  if (typeof next !== 'string' || !next.startsWith('/')) return '/';
  const here = 'http://here.invalid';
  const url = URL.canParse(next, here) ? new URL(next, here) : undefined;
  // A path that begins with two slashes is another host.
  const isOurs = url?.origin === here && !url.pathname.startsWith('//');
  return isOurs ? `${url.pathname}${url.search}` : '/';
}

/** The one place that builds an address with a query; what is empty is left out. */
export function withQuery(path: string, fields: Record<string, string | undefined>): string {
  const query = new URLSearchParams();
  for (const [field, value] of Object.entries(fields)) if (value) query.set(field, value);
  const text = query.toString();
  return text === '' ? path : `${path}?${text}`;
}
