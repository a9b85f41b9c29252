import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Certificates } from './certificates.ts';
import { runProgram } from './program.ts';

/** The domain whose mailboxes a Postfix of the tests has. */
export const POSTFIX_DOMAIN = 'example.org';

/** Parameters for a server that takes mail for `POSTFIX_DOMAIN` of anybody, and delivers it by `transport`. */
export function mailboxesBehind(transport: string): Record<string, string> {
  return {
    mynetworks: '',
    virtual_mailbox_domains: POSTFIX_DOMAIN,
    virtual_transport: transport,
    smtpd_relay_restrictions: 'permit_sasl_authenticated, reject_unauth_destination',
    // Nobody on this machine is an exception.
    smtpd_client_event_limit_exceptions: '',
  };
}

/** Parameters for a server that wants STARTTLS before all else. */
export function startTls({ certificate, key }: Certificates): Record<string, string> {
  return {
    smtpd_tls_cert_file: certificate,
    smtpd_tls_key_file: key,
    smtpd_tls_security_level: 'encrypt',
    smtpd_tls_auth_only: 'yes',
  };
}

/** Parameters for a server that takes mail only of who signs in; with `setPassword`. */
export const SIGN_IN = {
  smtpd_sasl_auth_enable: 'yes',
  smtpd_sasl_type: 'cyrus',
  smtpd_sasl_path: 'smtpd',
  smtpd_sasl_local_domain: POSTFIX_DOMAIN,
  smtpd_recipient_restrictions: 'permit_sasl_authenticated, reject',
};

/** Gives an instance the password of `name`@`POSTFIX_DOMAIN`, in a file of its own: Debian's Postfix reads its SASL beside its configuration. */
export async function setPassword(
  folder: string,
  { name, password }: { name: string; password: string },
): Promise<void> {
  const sasl = join(folder, 'etc/sasl');
  const passwords = join(sasl, 'sasldb2');
  mkdirSync(sasl);
  const settings = ['pwcheck_method: auxprop', 'auxprop_plugin: sasldb', 'mech_list: PLAIN LOGIN'];
  writeFileSync(join(sasl, 'smtpd.conf'), `${[...settings, `sasldb_path: ${passwords}`].join('\n')}\n`);
  const args = ['-p', '-c', '-f', passwords, '-u', POSTFIX_DOMAIN, name];
  const { code, stderr } = await runProgram('/usr/sbin/saslpasswd2', args, { input: password });
  if (code !== 0) throw new Error(`saslpasswd2: ${stderr}`);
  chmodSync(passwords, 0o644);
}
