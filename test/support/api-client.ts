import { openStore, Accounts } from '../../shared/store/index.ts';
import { hashPassword } from '../../services/producer/sign-in/passwords.ts';
import type { Role } from '../../shared/contracts/index.ts';
import { callApi, type Answer, type TestProducer } from './fleet.ts';

/** Somebody who calls the API with a bearer of their own, or with none. */
export class ApiClient {
  readonly #address: string;
  readonly #bearer: string | undefined;

  constructor(address: string, bearer?: string) {
    this.#address = address;
    this.#bearer = bearer;
  }

  call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const authorization = this.#bearer === undefined ? '' : `Bearer ${this.#bearer}`;
    return callApi(this.#address, method, path, body, { authorization, ...headers });
  }
}

/** Makes a key by the API; answers it with its id. */
export async function aKey(
  producer: TestProducer,
  scopes: string[],
  more: object = {},
): Promise<{ id: string; key: string }> {
  const { json } = await producer.call('POST', '/v1/keys', { name: scopes.join(' '), scopes, ...more });
  return { id: String(json.id), key: String(json.key) };
}

/** The holder of a new key with these scopes. */
export async function holderOf(producer: TestProducer, ...scopes: string[]): Promise<ApiClient> {
  return new ApiClient(producer.address, (await aKey(producer, scopes)).key);
}

/** The password of every account that tests make with one. */
export const PASSWORD = 'correct horse battery';

/** Makes an account with that password. */
export async function accountWithPassword(mongoUri: string, role: Role, name: string = role): Promise<void> {
  const store = openStore(mongoUri, 'test');
  try {
    const accounts = new Accounts(store.db);
    await accounts.add({ _id: name, role, created_at: new Date(), created_by: 'test' });
    await accounts.setPasswordHash(name, await hashPassword(PASSWORD));
  } finally {
    await store.stop();
  }
}
