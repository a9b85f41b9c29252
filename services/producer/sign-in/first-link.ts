import { accountNameSchema } from '../../../shared/contracts/index.ts';
import type { Config } from '../../../shared/runtime/config.ts';
import { Accounts, openStore } from '../../../shared/store/index.ts';
import { FIRST_ACCOUNT, SignInLinks } from './links.ts';

/** Where the accounts are. */
type StoreAddress = Pick<Config, 'MONGO_URI'>;

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
  { MONGO_URI }: StoreAddress,
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
    return { name, address: `${address}${await links.issue(name)}` };
  } finally {
    await store.stop();
  }
}
