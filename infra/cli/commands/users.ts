import type { Command } from 'commander';
import type { Acting } from '../context.ts';
import { addUserData } from './user-data.ts';
import { addUserInbox } from './user-inbox.ts';

/** `tidings users notifications|unread|read|token|export|erase|erasure` */
export function addUsers(program: Command, acts: Acting): void {
  const users = program
    .command('users')
    .summary('one person: notifications, inbox, export, erase')
    .description('One person’s notifications and inbox; what is stored of a person, given out or erased.');
  addUserInbox(users, acts);
  addUserData(users, acts);
}
