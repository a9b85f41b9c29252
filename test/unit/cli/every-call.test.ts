import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { programOf } from '../../../infra/cli/program.ts';
import { Output } from '../../../infra/cli/terminal/output.ts';
import { operationsOf } from '../../../services/producer/app.ts';
import type { ProducerContext } from '../../../services/producer/context.ts';
import { readConfig } from '../../../shared/runtime/config.ts';
import { silentLogger } from '../../../shared/runtime/logger.ts';

/** The command of each call of the API. */
const COMMANDS: Readonly<Record<string, string>> = {
  createNotification: 'send',
  createNotifications: 'send',
  listNotifications: 'list',
  getNotification: 'status',
  retryNotification: 'retry',
  cancelNotification: 'cancel',
  resolveNotification: 'resolve',
  listUserNotifications: 'users notifications',
  countUnread: 'users unread',
  markRead: 'users read',
  markAllRead: 'users read',
  issueUserToken: 'users token',
  exportUser: 'users export',
  eraseUser: 'users erase',
  getErasure: 'users erasure',
  listDeadLetters: 'dead-letters list',
  redriveDeadLetters: 'dead-letters retry',
  discardDeadLetters: 'dead-letters discard',
  listSuppressions: 'suppressions list',
  liftSuppression: 'suppressions lift',
  addSuppression: 'suppressions add',
  removeSuppressions: 'suppressions remove',
  listQuarantine: 'quarantine list',
  retryQuarantined: 'quarantine retry',
  discardQuarantined: 'quarantine discard',
  listControls: 'controls',
  pauseControl: 'pause',
  resumeControl: 'resume',
  listKeys: 'keys list',
  createKey: 'keys create',
  rotateKey: 'keys rotate',
  revokeKey: 'keys revoke',
  listAudit: 'audit',
  getStats: 'stats',
  updateTask: 'update-task',
};
/** Calls that other programs make, and why no person would. */
const WITHOUT: Readonly<Record<string, string>> = {
  issueToken: 'an account signs in; the command line has a key',
  revokeToken: 'an account signs out',
  reportSmsStatus: 'Twilio reports',
  receiveSms: 'Twilio reports',
  reportMail: 'a mail server reports',
  sendEmail: 'the same as send, in few words',
  sendAsync: 'the same as send, in few words',
  sendSms: 'the same as send, in few words',
};

const context = { config: readConfig({}), log: silentLogger } as unknown as ProducerContext;
const program = programOf(new Output(new PassThrough(), new PassThrough(), {}), {}, () => undefined);

test('each call of the API has a command, or a reason why it has none', () => {
  const calls = operationsOf(context).map(({ id }) => id);
  expect([...Object.keys(COMMANDS), ...Object.keys(WITHOUT)].sort()).toEqual(calls.sort());
});

test.each([...new Set(Object.values(COMMANDS))])('there is a command %s', (words) => {
  const found = words
    .split(' ')
    .reduce((command, word) => command.commands.find((one) => one.name() === word) ?? program, program);
  expect(found.name()).toBe(words.split(' ').at(-1));
});
