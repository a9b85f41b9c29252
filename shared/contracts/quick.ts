import { z } from 'zod';
import { CHANNELS } from './channels.ts';
import { emailAddress } from './email-address.ts';
import { text } from './fields.ts';
import { phoneNumber } from './phone-number.ts';
import { notificationFields } from './requests.ts';
import { mailbox } from './senders.ts';

const { user_id, message, subject, carrier } = notificationFields.shape;

/** The body of POST /send-email/ and /send-async/: one e-mail, in few words. */
export const quickEmailSchema = z
  .strictObject({
    email_to: emailAddress.meta({ description: 'Recipient', example: 'a@example.org' }),
    email_from: mailbox.optional().meta({
      description: 'Who sends it: From where it is of MAIL_FROM or ALLOWED_SENDERS, else Reply-To',
      example: 'Ada <ada@example.org>',
    }),
    subject,
    message,
    user_id,
  })
  .meta({ id: 'QuickEmail' });

/** The body of POST /send-sms/. */
export const quickSmsSchema = z
  .strictObject({
    phone: phoneNumber.meta({ description: 'Recipient in E.164', example: '+12025550123' }),
    message: text(CHANNELS.sms.max_message_chars).meta({ description: 'The text', example: 'Hello' }),
    carrier,
    user_id,
  })
  .meta({ id: 'QuickSms' });

/** What both answer. */
export const quickResultSchema = z
  .object({ result: z.string().describe('In words, with the id of the notification') })
  .meta({ id: 'QuickResult' });

/** One e-mail in few words. */
export type QuickEmail = z.output<typeof quickEmailSchema>;
