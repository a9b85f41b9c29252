import type { Role } from '../../shared/contracts/index.ts';
import { Accounts, openStore } from '../../shared/store/index.ts';
import { Sessions } from '../../services/producer/sign-in/sessions.ts';
import { callApi, type Answer } from './fleet.ts';

/** Signs in an account with a role, which is made where there is none; answers the cookie that its browser sends. */
export async function signedIn(
  mongoUri: string,
  role: Role = 'operator',
  name: string = role,
): Promise<string> {
  const store = openStore(mongoUri, 'test');
  try {
    await new Accounts(store.db).add({ _id: name, role, created_at: new Date(), created_by: 'test' });
    return `tidings=${await new Sessions(store.db, false).begin(name)}`;
  } finally {
    await store.stop();
  }
}

/** Somebody at a browser without scripts: opens pages and submits forms, and follows no redirect. */
export class Visitor {
  readonly #address: string;
  readonly #cookie: string;

  /** Without a cookie, somebody who is not signed in. */
  constructor(address: string, cookie = '') {
    this.#address = address;
    this.#cookie = cookie;
  }

  open(path: string, headers: Record<string, string> = {}): Promise<Answer> {
    const own = { authorization: '', accept: 'text/html', cookie: this.#cookie };
    return callApi(this.#address, 'GET', path, undefined, { ...own, ...headers });
  }

  submit(
    path: string,
    fields: Record<string, string> | URLSearchParams = {},
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const own = {
      'content-type': 'application/x-www-form-urlencoded',
      authorization: '',
      accept: 'text/html',
      origin: this.#address,
      cookie: this.#cookie,
    };
    const body = new URLSearchParams(fields).toString();
    return callApi(this.#address, 'POST', path, body, { ...own, ...headers });
  }
}
