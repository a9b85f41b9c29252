import { z } from 'zod';
import { emailAddress } from './email-address.ts';
import { line } from './fields.ts';
import type { NotificationRequest } from './requests.ts';

/** The body of POST /update_task. */
export const taskUpdateRequestSchema = z
  .strictObject({
    task_id: line(128).meta({ description: 'The task, as you name it', example: '123' }),
    user_email: emailAddress.meta({ description: 'Whom to tell by e-mail', example: 'test@example.com' }),
  })
  .meta({ id: 'TaskUpdateRequest' });

/** A task that was updated, and whom to tell. */
export type TaskUpdateRequest = z.output<typeof taskUpdateRequestSchema>;

/** What its caller is told. */
export const TASK_UPDATED = 'task updated, notification will be sent asynchronously';

/** The answer to POST /update_task. */
export const taskUpdatedSchema = z.object({ status: z.literal(TASK_UPDATED) }).meta({ id: 'TaskUpdated' });

/** The event of Socket.IO that carries an update. On the event stream updates are plain messages, which `onmessage` gets. */
export const TASK_UPDATE = 'task_update';
/** The event that says where a listener stands; by Socket.IO its one argument is the id, which the library sends along when it reconnects. */
export const LAST_EVENT_ID = 'last_event_id';
/** The event that says that updates a listener has not got are no longer kept. */
export const UPDATES_MISSED = 'updates_missed';

/** What is kept of an update. */
export interface TaskUpdate {
  /** 1, 2, 3…: without gaps, in the order in which they can be seen. */
  _id: number;
  task_id: string;
  /** The notification that tells of it; there is one update for each. */
  notification_id: string;
  at: Date;
  /** Who has updated it, as in `Notification.caller`. Absent from updates of former versions. */
  caller?: string;
}

/** How long updates are kept for listeners that come back, in milliseconds: a day. The newest one is kept for good, for it holds the count. */
export const TASK_UPDATES_KEPT_MS = 24 * 60 * 60 * 1_000;

/** An update as listeners get it. It names nobody: whom it was sent to is on the notification. */
export const taskUpdateSchema = z
  .object({
    id: z
      .string()
      .describe(
        'Grows by one with each update of the fleet. Give the last one you have to get those behind it',
      ),
    task_id: z.string(),
    msg: z.string().describe('The update in words'),
    notification_id: z.string().describe('The notification that tells of it'),
    at: z.iso.datetime(),
  })
  .meta({ id: 'TaskUpdate' });

/** An update as listeners get it. */
export type TaskUpdateView = z.output<typeof taskUpdateSchema>;

/** What listeners are told that come back too late: everything behind `after` and before `first` is no longer kept. */
export const updatesMissedSchema = z
  .object({ after: z.string(), first: z.string() })
  .meta({ id: 'TaskUpdatesMissed' });

/** Where a listener stands, as it says itself. 0 is before the first one. */
export const lastEventIdSchema = z
  .string({ error: 'must be a string' })
  .max(15, { error: 'must be the id of an update', abort: true })
  .regex(/^\d+$/, { error: 'must be the id of an update' })
  .transform(Number);

/** What listeners get of an update. */
export function taskUpdateViewOf({ _id, task_id, notification_id, at }: TaskUpdate): TaskUpdateView {
  return { id: String(_id), task_id, msg: wordsFor(task_id), notification_id, at: at.toISOString() };
}

/** The notification that tells of an update. Its person goes by the address, for no other name of them is given. */
export function notificationOfTaskUpdate({ task_id, user_email }: TaskUpdateRequest): NotificationRequest {
  const words = wordsFor(task_id);
  return {
    user_id: user_email,
    type: 'email',
    email: user_email,
    subject: words,
    message: `${words}.`,
    data: { task_id },
  };
}

function wordsFor(taskId: string): string {
  return `Task ${taskId} was updated`;
}
