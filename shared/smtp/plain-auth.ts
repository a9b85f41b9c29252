import { isLoopback } from '../runtime/loopback.ts';

/** Options of a URL that could take TLS away again. */
const WEAKENING = ['requireTLS', 'ignoreTLS', 'opportunisticTLS', 'secure'];

/** Whether a password must go to this mail server by TLS only (RFC 8314 §3.3): STARTTLS by itself is an offer that anybody on the way can strip. */
export function needsTls(url: string, { allowPlainAuth }: { allowPlainAuth: boolean }): boolean {
  const { hostname, username, password } = new URL(url);
  return (username !== '' || password !== '') && !allowPlainAuth && !isLoopback(hostname);
}

/** The same URL, by which nodemailer signs in after TLS has begun, or not at all. */
export function requiringTls(url: string): string {
  const strict = new URL(url);
  for (const option of WEAKENING) strict.searchParams.delete(option);
  if (strict.protocol === 'smtp:') strict.searchParams.set('requireTLS', 'true');
  return strict.href;
}

/** What to do where a server offers no STARTTLS. */
export const NO_STARTTLS =
  'the server must offer STARTTLS (usually on port 587), because the URL has a password; SMTP_ALLOW_PLAIN_AUTH=1 sends it in plain text';
