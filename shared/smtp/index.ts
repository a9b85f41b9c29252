export { classifySmtpFailure, type SmtpFailure } from './answers.ts';
export { composeMail, type Mail, type Sender } from './compose.ts';
export { createMailServer, mailServerOf, type MailServerOptions } from './mail-server.ts';
