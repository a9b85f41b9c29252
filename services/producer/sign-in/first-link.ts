import { accountNameSchema } from '../../../shared/contracts/index.ts';
import type { Config } from '../../../shared/runtime/config.ts';
import { silentLogger } from '../../../shared/runtime/logger.ts';
import { Accounts, Audit, openStore } from '../../../shared/store/index.ts';
import { FIRST_ACCOUNT, SignInLinks } from './links.ts';

/** Where the accounts are. */
type StoreAddress = Pick<Config, 'MONGO_URI' | 'AUDIT_RETENTION_DAYS'>;

/** A link that signs in once. */
export interface IssuedLink {
  name: string;
  address: string;
}

/**
 * Makes the first account where there is none, and a link for it as long as it has no password; undefined from then on. `address` is where
 * people reach the pages.
 */
export async function firstLink(config: StoreAddress, address: string): Promise<IssuedLink | undefined> {
  return issue(config, address, FIRST_ACCOUNT, { isWanted: (hasPassword) => !hasPassword });
}

/**
 * A link for an account, for whoever may write to the store; undefined where there is no such account. `isAdmin` makes it an open one of an
 * admin first.
 */
export function linkFor(
  config: StoreAddress,
  address: string,
  name: string,
  isAdmin = false,
): Promise<IssuedLink | undefined> {
  return issue(config, address, name, { isAdmin });
}

async function issue(
  { MONGO_URI, AUDIT_RETENTION_DAYS: keepDays }: StoreAddress,
  address: string,
  name: string,
  {
    isAdmin = false,
    isWanted = () => true,
  }: { isAdmin?: boolean; isWanted?: (hasPassword: boolean) => boolean },
): Promise<IssuedLink | undefined> {
  const store = openStore(MONGO_URI, 'sign-in');
  try {
    const [accounts, links] = [new Accounts(store.db), new SignInLinks(store.db)];
    await links.makeFirstAccount();
    if (isAdmin) await accounts.makeAdmin(accountNameSchema.parse(name), 'the command of sign-in links');
    const account = await accounts.active(name);
    if (!account || !isWanted(account.password_hash !== undefined)) return undefined;
    const link = await links.issue(name);
    const audit = new Audit(store.db, { keepDays, log: silentLogger });
    const detail = isAdmin ? 'and made an admin' : undefined;
    await audit.note({ actor: 'command', act: 'sign_in_link_made', subject: `account:${name}`, detail });
    return { name, address: `${address}${link}` };
  } finally {
    await store.stop();
  }
}
