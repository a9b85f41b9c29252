/** The domain of `Name <address>`, an address, or `@domain`, in small letters; localhost without one. */
export function domainOf(sender: string): string {
  return /@([^\s>@]+)>?\s*$/.exec(sender)?.[1]?.toLowerCase() ?? 'localhost';
}

/** Whether a sender is of this domain or one below it. */
export function isOfDomain(sender: string, domain: string): boolean {
  return `.${domainOf(sender)}`.endsWith(`.${domain.toLowerCase()}`);
}
