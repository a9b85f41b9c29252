/** A carrier's gateway from e-mail to SMS. */
export interface Carrier {
  /** A mail to a number at this domain becomes a text. */
  domain: string;
  /** The country whose numbers it serves, as ISO 3166 has it; undefined: not known to us, so any. */
  country?: string | undefined;
  /** The day from which on it takes nothing any more, where the carrier has said so. */
  closed?: string | undefined;
}

/**
 * Gateways that carriers run, or ran, in public; those that closed stay, so that whoever names one learns why it does not work.
 * Domains: the lists of github.com/mfitzp/List_of_SMS_gateways and github.com/typpo/textbelt. Ends: AT&T, att.com article KM1061254; T-Mobile and
 * Verizon, sigspan.com/carrier-gateway-shutdown of 2026-05-13; Sprint, github.com/vufind-org/vufind #4327 (the day its domain was found to be gone);
 * Rogers, List_of_SMS_gateways #21. Nobody promises anything of the others: some give no notice, and take mail that never becomes a text.
 */
export const CARRIERS: Readonly<Record<string, Carrier>> = {
  att: { domain: 'txt.att.net', country: 'US', closed: '2025-06-17' },
  boost: { domain: 'sms.myboostmobile.com', country: 'US' },
  cricket: { domain: 'sms.cricketwireless.net', country: 'US' },
  google_fi: { domain: 'msg.fi.google.com', country: 'US' },
  koodo: { domain: 'msg.koodomobile.com', country: 'CA' },
  rogers: { domain: 'pcs.rogers.com', country: 'CA', closed: '2023-07-01' },
  sprint: { domain: 'messaging.sprintpcs.com', country: 'US', closed: '2025-04-08' },
  telus: { domain: 'msg.telus.com', country: 'CA' },
  tmobile: { domain: 'tmomail.net', country: 'US', closed: '2024-12-01' },
  us_cellular: { domain: 'email.uscc.net', country: 'US' },
  verizon: { domain: 'vtext.com', country: 'US', closed: '2027-03-31' },
  xfinity: { domain: 'vtext.com', country: 'US', closed: '2027-03-31' },
};
