export { classifySmtpFailure, type SmtpFailure } from './answers.ts';
export { composeMail, type Mail, type Sender } from './compose.ts';
export { dkimSigner, dkimSignerOf, readSigningKey, type MailSigner } from './dkim.ts';
export { domainOf } from './domains.ts';
export { mailBytes } from './mail-bytes.ts';
export { mailServerOf, type MailServerOptions } from './mail-server.ts';
export { type SmtpOAuth } from './oauth.ts';
