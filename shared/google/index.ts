export { AccessTokens, NoToken } from './access-tokens.ts';
export { googleAddresses, SEND_ONLY, WHOLE_MAILBOX, type GoogleAddresses } from './addresses.ts';
export { agentFor, ask, NoPlace, type Answer } from './ask.ts';
export { grantOf, type Grant } from './grants.ts';
export { smtpOAuthOf } from './smtp-oauth.ts';
export { ABORTED, NoAnswer, type Time } from './time.ts';
