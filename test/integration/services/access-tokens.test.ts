import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { AccessTokens } from '../../../shared/google/index.ts';

let server: Server;

afterEach(async () => {
  await new Promise((resolve) => server.close(resolve));
});

test('an access token that does not say how long it is good is kept', async () => {
  let asked = 0;
  server = createServer((_request, response) => {
    asked += 1;
    response.end(JSON.stringify({ access_token: `token-${asked}`, token_type: 'Bearer' }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const tokens = new AccessTokens(new URL(`http://127.0.0.1:${port}/token`), () => Promise.resolve({}));
  const time = { signal: AbortSignal.timeout(10_000) };
  expect([await tokens.get(time), await tokens.get(time), asked]).toEqual(['token-1', 'token-1', 1]);
  tokens.close();
});
