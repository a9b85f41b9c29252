import type { Server } from 'node:http';
import express, { type ErrorRequestHandler } from 'express';
import { toError } from '../../../shared/runtime/errors.ts';
import { googleSandbox, type GoogleSandboxOptions } from './google-sandbox.ts';
import { guardHost } from './guard.ts';
import { mailboxPages } from './pages.ts';
import { twilioSandbox, type TwilioSandboxOptions } from './twilio-sandbox.ts';

/** Starts the SMS API, the Gmail API and the mailbox's pages on a loopback port. @throws when the port is taken. */
export async function startHttpSandbox(
  options: TwilioSandboxOptions & GoogleSandboxOptions & { httpPort: number },
): Promise<Server> {
  const app = express().disable('x-powered-by');
  app.use(guardHost);
  app.use(twilioSandbox(options));
  app.use(googleSandbox(options));
  app.use(mailboxPages(options.mailbox, options.switches));
  app.use(answerErrors);
  const server = app.listen(options.httpPort, '127.0.0.1');
  await new Promise<void>((resolve, reject) => {
    server.once('listening', resolve).once('error', reject);
  });
  return server;
}

/** Express itself would show a stack, with the paths of this machine. */
const answerErrors: ErrorRequestHandler = (thrown: unknown, _request, response, next) => {
  if (response.headersSent) {
    next(thrown);
    return;
  }
  const status = statusOf(thrown);
  if (status >= 500) process.stderr.write(`the sandbox has a bug: ${toError(thrown).stack ?? ''}\n`);
  response
    .status(status)
    .type('text')
    .send(`${toError(thrown).message}\n`);
};

function statusOf(thrown: unknown): number {
  const status = typeof thrown === 'object' && thrown !== null && 'status' in thrown ? thrown.status : 500;
  return typeof status === 'number' && status >= 400 && status < 600 ? status : 500;
}
