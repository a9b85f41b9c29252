import { z } from 'zod';
import { line, tooLong } from './fields.ts';

/** Files that one e-mail may carry. */
export const MAX_ATTACHMENTS_FILES = 10;
/** Characters of base64 that all files of one e-mail may have together: three quarters of a megabyte of bytes, within the body of a request. */
export const MAX_ATTACHMENTS_CHARS = 1_000_000;

/** A type and its parameters, as RFC 2045 writes them without quotes: text/calendar; method=REQUEST. */
const CONTENT_TYPE = /^[\w.+-]+\/[\w.+-]+(?:; ?[\w-]+=[\w.+-]+){0,5}$/;
/** What would be a path on the disk of whoever saves it. */
const PATH = /[/\\]|^\.+$/;

const attachmentSchema = z.strictObject({
  filename: line(255)
    .refine((name) => !PATH.test(name), { error: 'must be a name without a path' })
    .meta({ description: 'As its person will see it', example: 'meeting.ics' }),
  content_type: line(200)
    .regex(CONTENT_TYPE, { error: 'must be a media type such as application/pdf' })
    .meta({ example: 'text/calendar; method=REQUEST' }),
  content: z
    .base64({ error: 'must be the bytes in base64' })
    .min(1, { error: 'must not be empty' })
    .meta({ description: 'The bytes in base64', example: 'QkVHSU46VkNBTEVOREFS' }),
});

/** A file whose other fields may still be wrong. */
interface Sized {
  content?: unknown;
}

/** What is wrong with files that are too large, in bytes: what their sender knows of them. */
function tooLarge(files: readonly Sized[]): string {
  const bytes = files.map((file) => Math.floor((charsOf(file) * 3) / 4));
  const largest = bytes.indexOf(Math.max(...bytes));
  return `must have at most ${(MAX_ATTACHMENTS_CHARS * 3) / 4} bytes together (${MAX_ATTACHMENTS_CHARS} characters of base64); these have ${sum(bytes)}, of which attachments.${largest} has ${String(bytes[largest])}`;
}

function charsOf({ content }: Sized): number {
  return typeof content === 'string' ? content.length : 0;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}

/** Files that go with an e-mail. */
export const attachmentsSchema = z
  .array(attachmentSchema, { error: 'must be a list of files' })
  .min(1, { error: 'must hold at least one file' })
  .max(MAX_ATTACHMENTS_FILES, { error: tooLong(MAX_ATTACHMENTS_FILES, 'files') })
  .refine((files) => sum(files.map(charsOf)) <= MAX_ATTACHMENTS_CHARS, {
    error: ({ input }) => tooLarge(input as Sized[]),
  })
  .meta({
    description: `Files that go with the e-mail: ${MAX_ATTACHMENTS_CHARS} characters of base64 together at most`,
  });

/** A file that goes with an e-mail: its bytes in base64. */
export type Attachment = z.output<typeof attachmentSchema>;

/** A file as it is stored: with its size, so that a list need not read its bytes. */
export const storedAttachmentSchema = attachmentSchema.extend({ bytes: z.int().describe('How large it is') });

/** A file as it is stored. */
export type StoredAttachment = z.output<typeof storedAttachmentSchema>;

/** Notes how large a file is. */
export function storedAttachmentOf(file: Attachment): StoredAttachment {
  return { ...file, bytes: Buffer.byteLength(file.content, 'base64') };
}

/** What lists and pages show of a file. */
export const attachmentViewSchema = storedAttachmentSchema
  .omit({ content: true })
  .meta({ id: 'AttachmentView' });

/** What is shown of a file: not its bytes. */
export function attachmentViewOf({
  filename,
  content_type,
  bytes,
}: Omit<StoredAttachment, 'content'>): z.output<typeof attachmentViewSchema> {
  return { filename, content_type, bytes };
}
