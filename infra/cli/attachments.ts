import { readFileSync, statSync } from 'node:fs';
import { basename, extname } from 'node:path';
import {
  MAX_ATTACHMENTS_CHARS,
  MAX_ATTACHMENTS_FILES,
  type Attachment,
} from '../../shared/contracts/index.ts';
import { toError } from '../../shared/runtime/errors.ts';
import { usageError } from './exit.ts';

/** Bytes that all files of one e-mail may have together: base64 writes three as four characters. */
const MAX_BYTES = (MAX_ATTACHMENTS_CHARS / 4) * 3;

/** Media types by the end of a file's name, of what people attach; whatever else there is goes as bytes. */
const TYPES: Readonly<Record<string, string>> = {
  csv: 'text/csv',
  docx: 'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  eml: 'message/rfc822',
  gif: 'image/gif',
  html: 'text/html',
  ics: 'text/calendar',
  jpeg: 'image/jpeg',
  jpg: 'image/jpeg',
  json: 'application/json',
  odp: 'application/vnd.oasis.opendocument.presentation',
  ods: 'application/vnd.oasis.opendocument.spreadsheet',
  odt: 'application/vnd.oasis.opendocument.text',
  pdf: 'application/pdf',
  png: 'image/png',
  pptx: 'application/vnd.openxmlformats-officedocument.presentationml.presentation',
  svg: 'image/svg+xml',
  txt: 'text/plain',
  vcf: 'text/vcard',
  webp: 'image/webp',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  xml: 'application/xml',
  zip: 'application/zip',
};
const BYTES = 'application/octet-stream';

/** Reads files that go with an e-mail. Their sizes are known before any of them is read. @throws CliError that names file, size and limit */
export function attachmentsOf(paths: readonly string[]): Attachment[] {
  if (paths.length > MAX_ATTACHMENTS_FILES)
    throw usageError(`${paths.length} files are attached; one e-mail may carry ${MAX_ATTACHMENTS_FILES}.`);
  const sizes = paths.map(sizeOf);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (total > MAX_BYTES)
    throw usageError(
      `The attached files have ${total} bytes together (${paths.map((path, index) => `${path} ${sizes[index] ?? 0}`).join(', ')}); ` +
        `one e-mail may carry ${MAX_BYTES}. Send a link instead.`,
    );
  return paths.map(attachmentOf);
}

function sizeOf(path: string): number {
  return attempt(path, () => {
    const stats = statSync(path);
    if (!stats.isFile()) throw new Error('it is not a file');
    if (stats.size === 0) throw new Error('it is empty');
    return stats.size;
  });
}

function attachmentOf(path: string): Attachment {
  return {
    filename: basename(path),
    content_type: TYPES[extname(path).slice(1).toLowerCase()] ?? BYTES,
    content: attempt(path, () => readFileSync(path).toString('base64')),
  };
}

function attempt<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (thrown) {
    throw usageError(`${path} cannot be attached: ${toError(thrown).message}.`);
  }
}
