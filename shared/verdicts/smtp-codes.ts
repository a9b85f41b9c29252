import { saysSomething, wordsOf, type ReplyCodes } from './reply.ts';
import type { VerdictName } from './verdict.ts';

/** One row of the decision table. */
interface SmtpRule {
  /** Subject and detail of an enhanced status, without its class, such as 1.1; or a reply code, such as 550. */
  codes: readonly string[];
  /** The row holds only where the server's words match; only words that a provider or a program documents. */
  words?: RegExp;
  verdict: VerdictName;
  /** It is about the sender: where the notification named its own, no other mail meets it. */
  isAboutSender?: true;
  /** It holds for class 5 only: of class 4 the code says too little. */
  isPermanentOnly?: true;
  meaning: string;
  source: string;
}

const GOOGLE = 'Google, Gmail SMTP errors and codes (support.google.com/a/answer/3726730)';
const MICROSOFT = 'Microsoft, Email non-delivery reports and SMTP errors in Exchange Online';
const OUTLOOK = 'Microsoft, Outlook.com SMTP error codes (sendersupport.olc.protection.outlook.com)';
const SES = 'Amazon SES, SMTP response codes';
const YAHOO = 'Yahoo Sender Hub, SMTP error codes';
const RFC = { status: 'RFC 3463', auth: 'RFC 4954 §6, RFC 5248', checks: 'RFC 7372', arc: 'RFC 8617' };

/** Reply codes for which a server uses no enhanced status, or one that says nothing. */
const BARE_REFUSALS = ['550', '551', '553', '554'];

/**
 * What a refusing SMTP server says, for answers at the hand-off and for delivery reports alike. The first row that holds decides; a code
 * without a row is `refused`. Of class 4 only `ours` has an effect: a temporary refusal proves nothing about an address.
 */
export const SMTP_RULES: readonly SmtpRule[] = [
  // Words that a provider or a program documents come first: they say more than their code.
  {
    codes: ['2.1'],
    words: /receiving mail (?:at a rate|too quickly)|ReceivingRate/i,
    verdict: 'busy',
    meaning: 'the recipient receives too much mail at the moment',
    source: GOOGLE,
  },
  {
    codes: ['7.0', '7.1', ...BARE_REFUSALS],
    words: /relay access denied|relaying denied|unable to relay|mail relay denied|relay not permitted/i,
    verdict: 'ours',
    meaning: 'the server does not relay for us',
    source: 'Postfix (reject_unauth_destination), Sendmail (cf/README), Exim (default ACL), Exchange, Gmail',
  },
  {
    codes: ['7.1', '553'],
    words: /allowed rcpthosts/i,
    verdict: 'ours',
    meaning: 'the server does not relay for us',
    source: 'qmail-smtpd(8)',
  },
  {
    codes: ['7.0', '7.1', ...BARE_REFUSALS],
    words:
      /blocked using [\w.-]+|spamhaus\.org(?!\/query\/domain)|\bis in (?:the )?spamhaus|\bis in a black list at\b|found on one or more DNSBLs|\byour (?:ip|host|server|network|mta)\b[^;]{0,80}\b(?:black|block|deny) ?list/i,
    verdict: 'ours',
    meaning: 'our address is on a blocklist',
    source:
      'Postfix (default_rbl_reply), Spamhaus (return codes), Yahoo (BL21), Exim (example ACL for dnslists), Comcast (SMTP error codes, BL000001)',
  },
  {
    codes: ['7.0', '7.1', '7.25', '5.2', '504', ...BARE_REFUSALS],
    words: /\b(?:client host|helo command) rejected(?!: gr[ae]y)|cannot find your (?:reverse )?hostname/i,
    verdict: 'ours',
    meaning: 'the server refuses our host, or its name',
    source: 'Postfix (smtpd_client_restrictions, smtpd_helo_restrictions)',
  },
  {
    codes: ['7.0', '7.1', ...BARE_REFUSALS],
    words:
      /reputation of the sending (?:ip|domain)|\bMTA.?s poor reputation|blocked - see https?:\/\/ipcheck\./i,
    verdict: 'ours',
    meaning: 'our address or domain has a bad reputation',
    source: `${GOOGLE}; Cisco (Secure Email, SenderBase); Proofpoint (Dynamic Reputation)`,
  },
  {
    codes: ['7.0', '7.1', '7.2', '7.9', '421', ...BARE_REFUSALS],
    words: /\[(?:TSS?\d\d|BL2[13])\]/,
    verdict: 'ours',
    meaning: 'our address is deferred for its volume, for complaints, or by a blocklist',
    source: YAHOO,
  },
  {
    codes: ['7.0', '7.1', ...BARE_REFUSALS],
    words:
      /\byour (?:\w+ ){0,2}account (?:is|has been) (?:\w+ )?(?:suspended|disabled|locked|blocked|paused|restricted)|\bsending paused for this account/i,
    verdict: 'ours',
    meaning: 'our account may not send',
    source: SES,
  },
  {
    codes: ['7.0', '7.1', ...BARE_REFUSALS],
    words: /\bemail address is not verified\. The following identities/i,
    verdict: 'ours',
    isAboutSender: true,
    meaning: 'our sender is not verified with the provider',
    source: SES,
  },
  {
    codes: ['7.1', '550'],
    words: /on our block ?list|\(S3(?:140|150)\)/i,
    verdict: 'ours',
    meaning: 'our network is on the provider’s blocklist',
    source: OUTLOOK,
  },
  {
    codes: ['7.0', '7.1'],
    words:
      /IP you.re using to send (?:e?mail )?is not authorized|unusual rate of unsolicited|client was not authenticated|authentication required/i,
    verdict: 'ours',
    meaning: 'our address or our session is not authorized',
    source: `${GOOGLE}; ${MICROSOFT}`,
  },
  {
    codes: ['7.0', '7.1', '2.1'],
    words: /(?:sending|relay) (?:quota|limit) exceeded|peak SMTP relay limit/i,
    verdict: 'ours',
    meaning: 'our sending quota is used up',
    source: GOOGLE,
  },
  {
    codes: ['7.0', '7.1', '454', '554'],
    words: /throttling failure|daily message quota exceeded|maximum sending rate exceeded/i,
    verdict: 'ours',
    meaning: 'our sending quota is used up',
    source: SES,
  },
  {
    codes: ['7.9'],
    words: /not accepted for policy reasons/i,
    verdict: 'refused',
    meaning: 'this message violates a policy',
    source: YAHOO,
  },
  {
    codes: ['4.1'],
    words: /recipient address rejected: access denied/i,
    verdict: 'unreachable',
    meaning: 'the directory of the organization does not have the address, or was not read',
    source: `${MICROSOFT}, directory-based edge blocking`,
  },

  // Addressing.
  { codes: ['1.1'], verdict: 'dead', meaning: 'no such mailbox', source: `${RFC.status} §3.2` },
  { codes: ['1.2'], verdict: 'unreachable', meaning: 'no such domain', source: `${RFC.status} §3.2` },
  { codes: ['1.3'], verdict: 'unreachable', meaning: 'bad address syntax', source: `${RFC.status} §3.2` },
  { codes: ['1.6'], verdict: 'dead', meaning: 'the mailbox has moved', source: `${RFC.status} §3.2` },
  {
    codes: ['1.7', '1.8'],
    verdict: 'ours',
    isAboutSender: true,
    meaning: 'our sender’s address is bad',
    source: `${RFC.status} §3.2`,
  },
  {
    codes: ['1.10'],
    verdict: 'dead',
    meaning: 'the domain takes no mail (null MX), or the recipient was not found',
    source: `RFC 7505 §4.2; ${MICROSOFT}`,
  },
  { codes: ['1.90'], verdict: 'ours', meaning: 'our daily limit is used up', source: MICROSOFT },
  { codes: ['556'], verdict: 'dead', meaning: 'the domain takes no mail', source: 'RFC 7504 §4' },

  // The mailbox.
  {
    codes: ['2.1'],
    verdict: 'unreachable',
    meaning: 'the mailbox is disabled',
    source: `${RFC.status} §3.3`,
  },
  { codes: ['2.2'], verdict: 'unreachable', meaning: 'the mailbox is full', source: `${RFC.status} §3.3` },

  // The mail system. 3.4 and 3.3 are about the message: too big, or in need of a feature.
  {
    codes: ['3.1', '3.2', '3.5'],
    verdict: 'ours',
    meaning: 'the mail system is full, down or misconfigured',
    source: `${RFC.status} §3.4`,
  },
  {
    // 4.3.0 is what servers say of any trouble with one message, such as a filter that did not answer.
    codes: ['3.0'],
    isPermanentOnly: true,
    verdict: 'ours',
    meaning: 'the mail system has other trouble',
    source: `${RFC.status} §3.4; ${GOOGLE}`,
  },

  // Network and routing.
  {
    codes: ['4.4'],
    verdict: 'unreachable',
    meaning: 'no route to the domain',
    source: `${RFC.status} §3.5`,
  },
  {
    codes: ['4.5'],
    verdict: 'ours',
    meaning: 'the mail system is congested, or our daily quota is used up',
    source: `${RFC.status} §3.5; ${GOOGLE}`,
  },

  // Security and policy. 7.1 alone may be about one recipient, one message or us, so it stays `refused`.
  {
    codes: ['530', '534', '535', '538', '7.8', '7.10', '7.11', '7.12', '7.13', '7.14'],
    verdict: 'ours',
    meaning: 'our session is not authenticated, or our account is disabled',
    source: RFC.auth,
  },
  { codes: ['7.9'], verdict: 'ours', meaning: 'authentication mechanism too weak', source: RFC.auth },
  {
    codes: ['7.20', '7.21', '7.22', '7.23', '7.24', '7.25', '7.26', '7.27', '7.29'],
    verdict: 'ours',
    isAboutSender: true,
    meaning: 'DKIM, SPF, reverse DNS, DMARC, null MX or ARC of our sender',
    source: `${RFC.checks}; RFC 7505 §4.2; ${RFC.arc}`,
  },
  { codes: ['7.28'], verdict: 'ours', meaning: 'too much mail from us', source: `IANA; ${GOOGLE}` },
  {
    codes: ['7.54', '7.57', '7.60', '7.64', '7.67', '7.68'],
    verdict: 'ours',
    meaning: 'the server does not relay for us, or our session is not authenticated',
    source: MICROSOFT,
  },
  {
    codes: [
      '7.232',
      '7.233',
      '7.501',
      '7.502',
      '7.503',
      '7.508',
      '7.509',
      '7.511',
      '7.705',
      '7.708',
      '7.750',
    ],
    verdict: 'ours',
    meaning: 'our tenant, sender or address is limited or banned',
    source: MICROSOFT,
  },
  {
    // 7.606 to 7.649.
    codes: Array.from({ length: 44 }, (_, index) => `7.${606 + index}`),
    verdict: 'ours',
    meaning: 'our address is banned',
    source: MICROSOFT,
  },
];

/** What a reply leads to. */
export type SmtpVerdict = Pick<SmtpRule, 'verdict' | 'isAboutSender'>;

/** Codes of the session: they say more than any status behind them. */
const SESSION_REPLIES = new Set(['530', '534', '535', '538']);

/** Looks a reply, or the status of a report, up in the table. `said` is the server's reply. */
export function smtpVerdict({ reply, status }: ReplyCodes, said = ''): SmtpVerdict {
  const words = wordsOf(said);
  const byReply = reply === undefined ? undefined : String(reply);
  const detail = saysSomething(status) ? status.slice(2) : undefined;
  const code = byReply !== undefined && SESSION_REPLIES.has(byReply) ? byReply : (detail ?? byReply);
  const isPermanent = (status ?? byReply)?.startsWith('5') === true;
  const rule = SMTP_RULES.find(
    (one) =>
      code !== undefined &&
      one.codes.includes(code) &&
      (isPermanent || !one.isPermanentOnly) &&
      (one.words?.test(words) ?? true),
  );
  return rule ?? { verdict: 'refused' };
}
