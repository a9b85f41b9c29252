export { codesOf, saysSomething, statusOf, wordsOf, type ReplyCodes } from './reply.ts';
export { SMTP_RULES, smtpVerdict, type SmtpVerdict } from './smtp-codes.ts';
export { TWILIO_RULES, twilioVerdict } from './twilio-codes.ts';
export { VERDICTS, effectsOf, isAtOnce, type SuppressAfter, type VerdictName } from './verdict.ts';
