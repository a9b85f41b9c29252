import type { Sandbox } from '../../infra/local/sandbox/sandbox.ts';
import { startSandbox } from '../../infra/local/sandbox/sandbox.ts';
import type { GoogleClient } from '../../infra/local/sandbox/google-account.ts';

/** The client that the tests' stand-in for Google knows. */
export const GOOGLE_CLIENT: GoogleClient = {
  clientId: '123456789012-tests.apps.googleusercontent.com',
  clientSecret: 'GOCSPX-canary-client-secret',
  refreshToken: '1//0canary-refresh-token',
};

/** A sandbox whose stand-in for Google knows the tests' client. */
export function startGoogleSandbox(google: GoogleClient = GOOGLE_CLIENT): Promise<Sandbox> {
  return startSandbox({
    smtpPort: 0,
    httpPort: 0,
    accountSid: `AC${'a'.repeat(32)}`,
    authToken: 'token',
    google,
  });
}

/** Where it is. */
export function googleUrl({ httpPort }: Sandbox): string {
  return `http://127.0.0.1:${httpPort}`;
}

/** Settings of a consumer that sends by it. */
export function gmailSettings(sandbox: Sandbox): Record<string, string> {
  return {
    EMAIL_PROVIDERS: 'gmail',
    MAIL_FROM: 'Tidings <hello@tidings.example>',
    GOOGLE_API_BASE_URL: googleUrl(sandbox),
    GMAIL_CLIENT_ID: GOOGLE_CLIENT.clientId,
    GMAIL_CLIENT_SECRET: GOOGLE_CLIENT.clientSecret,
    GMAIL_REFRESH_TOKEN: GOOGLE_CLIENT.refreshToken,
  };
}
