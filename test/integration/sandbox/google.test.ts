import { auth, gmail } from '@googleapis/gmail';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Sandbox } from '../../../infra/local/sandbox/sandbox.ts';
import { GOOGLE_CLIENT, googleUrl, startGoogleSandbox } from '../../support/google.ts';

/** By Google's own client, which knows nothing of a sandbox but its address. */
let sandbox: Sandbox;
beforeEach(async () => {
  sandbox = await startGoogleSandbox();
});
afterEach(() => sandbox.stop());

const SEND_ONLY = 'https://www.googleapis.com/auth/gmail.send';
const REDIRECT = 'http://127.0.0.1:4321/';

function clientWith({ clientId, clientSecret, refreshToken } = GOOGLE_CLIENT) {
  const base = googleUrl(sandbox);
  const client = new auth.OAuth2({
    clientId,
    clientSecret,
    redirectUri: REDIRECT,
    endpoints: { oauth2TokenUrl: `${base}/token`, oauth2AuthBaseUrl: `${base}/o/oauth2/v2/auth` },
  });
  client.setCredentials({ refresh_token: refreshToken });
  return client;
}
const apiWith = (client = clientWith()) =>
  gmail({ version: 'v1', auth: client, rootUrl: `${googleUrl(sandbox)}/` });
const rawMail = (to: string) =>
  Buffer.from(
    `From: a@tidings.example\r\nTo: ${to}\r\nSubject: Hi\r\nMessage-ID: <1@x>\r\n\r\nHello\r\n`,
  ).toString('base64url');
const send = (to: string, api = apiWith()) =>
  api.users.messages.send({ userId: 'me', requestBody: { raw: rawMail(to) } });

interface GoogleError {
  status?: number;
  response?: { data: { error?: unknown }; headers: Headers };
}
async function errorOf(work: Promise<unknown>): Promise<GoogleError> {
  try {
    await work;
  } catch (thrown) {
    return thrown as GoogleError;
  }
  throw new Error('it was accepted');
}

test('Google’s own client gets a token and sends', async () => {
  const { status, data } = await send('ada@example.org');
  const [mail] = sandbox.mailbox.mails();
  expect([status, data]).toEqual([200, { id: mail?.id, threadId: mail?.id, labelIds: ['SENT'] }]);
  expect(mail?.raw.toString('base64url')).toBe(rawMail('ada@example.org'));
  expect(mail?.envelope).toEqual({ from: 'a@tidings.example', to: ['ada@example.org'] });
});
test('refusals of the API are Google’s', async () => {
  const invalid = await errorOf(send('bounce@example.org'));
  expect(invalid.response?.data.error).toEqual({
    code: 400,
    message: 'Invalid To header',
    errors: [{ message: 'Invalid To header', domain: 'global', reason: 'invalidArgument' }],
    status: 'INVALID_ARGUMENT',
  });
  const busy = await errorOf(send('busy@example.org'));
  expect([busy.status, busy.response?.headers.get('retry-after')]).toEqual([429, '5']);
  expect(busy.response?.data.error).toMatchObject({
    status: 'RESOURCE_EXHAUSTED',
    errors: [{ domain: 'usageLimits', reason: 'rateLimitExceeded' }],
  });
  expect((await errorOf(apiWith().users.messages.send({ userId: 'me', requestBody: {} }))).status).toBe(400);
});
test('who may only send may not read', async () => {
  const { status, response } = await errorOf(apiWith().users.messages.list({ userId: 'me' }));
  expect(status).toBe(403);
  expect(response?.data.error).toMatchObject({
    status: 'PERMISSION_DENIED',
    errors: [{ reason: 'insufficientPermissions' }],
  });
});
test('a token that is none is 401; a client, grant or kind that is none is as Google says', async () => {
  const headers = { authorization: 'Bearer ya29.wrong' };
  const wrong = await fetch(`${googleUrl(sandbox)}/gmail/v1/users/me/messages/send`, {
    method: 'POST',
    headers,
  });
  expect([wrong.status, ((await wrong.json()) as { error: object }).error]).toEqual([
    401,
    expect.objectContaining({ status: 'UNAUTHENTICATED' }),
  ]);
  const [secret, revoked] = [
    { ...GOOGLE_CLIENT, clientSecret: 'x' },
    { ...GOOGLE_CLIENT, refreshToken: 'x' },
  ];
  expect((await errorOf(send('a@b.example', apiWith(clientWith(secret))))).response?.data).toMatchObject({
    error: 'invalid_client',
  });
  expect((await errorOf(send('a@b.example', apiWith(clientWith(revoked))))).response?.data).toEqual({
    error: 'invalid_grant',
    error_description: 'Token has been expired or revoked.',
  });
  const odd = {
    grant_type: 'password',
    client_id: GOOGLE_CLIENT.clientId,
    client_secret: GOOGLE_CLIENT.clientSecret,
  };
  const answer = await fetch(`${googleUrl(sandbox)}/token`, {
    method: 'POST',
    body: new URLSearchParams(odd),
  });
  expect([answer.status, await answer.json()]).toMatchObject([400, { error: 'unsupported_grant_type' }]);
});
test('consent with PKCE: a code works once, and only with its verifier', async () => {
  const client = clientWith();
  const { codeVerifier, codeChallenge = '' } = await client.generateCodeVerifierAsync();
  const asked = {
    scope: SEND_ONLY,
    state: 's1',
    code_challenge: codeChallenge,
    code_challenge_method: 'S256',
  };
  const url = client.generateAuthUrl(asked as Parameters<typeof client.generateAuthUrl>[0]);
  expect(await (await fetch(url)).text()).toContain(SEND_ONLY);
  const decide = async (decision: string) => {
    const answer = await fetch(url, {
      method: 'POST',
      body: new URLSearchParams({ decision }),
      redirect: 'manual',
    });
    return new URL(answer.headers.get('location') ?? '').searchParams;
  };
  expect(Object.fromEntries(await decide('deny'))).toEqual({ error: 'access_denied', state: 's1' });
  const code = (await decide('allow')).get('code') ?? '';
  const stolen = await errorOf(client.getToken({ code, codeVerifier: 'x'.repeat(43) }));
  expect(stolen.response?.data).toMatchObject({ error: 'invalid_grant' });
  expect((await errorOf(client.getToken({ code, codeVerifier }))).status).toBe(400);
  const { tokens } = await client.getToken({ code: (await decide('allow')).get('code') ?? '', codeVerifier });
  expect(tokens).toMatchObject({ scope: SEND_ONLY, token_type: 'Bearer' });
  client.setCredentials({ refresh_token: tokens.refresh_token ?? '' });
  expect((await send('ada@example.org', apiWith(client))).status).toBe(200);
});
test('a question that Google would not ask is not asked', async () => {
  const ask = async (change: object) => {
    const asked = {
      client_id: GOOGLE_CLIENT.clientId,
      redirect_uri: REDIRECT,
      response_type: 'code',
      scope: SEND_ONLY,
      code_challenge: 'x'.repeat(43),
      code_challenge_method: 'S256',
      ...change,
    };
    const answer = await fetch(
      `${googleUrl(sandbox)}/o/oauth2/v2/auth?${new URLSearchParams(asked).toString()}`,
    );
    return [answer.status, await answer.text()] as const;
  };
  expect((await ask({}))[0]).toBe(200);
  for (const [change, why] of [
    [{ client_id: 'x' }, 'invalid_client'],
    [{ redirect_uri: 'https://evil.example/' }, 'redirect_uri_mismatch'],
    [{ scope: '' }, 'scope'],
    [{ code_challenge_method: 'plain' }, 'code_challenge'],
  ] as const) {
    const [status, text] = await ask(change);
    expect(status).toBe(400);
    expect(text).toContain(why);
  }
});
