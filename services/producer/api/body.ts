import type { Reading } from '../../../shared/runtime/strict-json.ts';
import { readBatchBody } from './batch-body.ts';
import { readFormBody } from './form-body.ts';
import { readJsonBody } from './json-body.ts';
import { Problem } from './problem.ts';

/** A mail, by its own name, and as programs call what they send without looking at it. */
const MAIL_TYPES = ['message/rfc822', 'application/octet-stream'];

/** A kind of body: the media types that it comes in, and how its bytes are read. */
interface BodyKind {
  types: string[];
  read: (bytes: Buffer) => Reading | Promise<Reading>;
}

/** A form of a page, or of a provider. */
export const FORM = { types: ['application/x-www-form-urlencoded'], read: readFormBody };

/** What bodies are. A mail is kept as it is, in bytes. */
export const BODIES = {
  json: { types: ['application/json'], read: readJsonOrNothing },
  batch: { types: ['application/json'], read: readBatchBody },
  form: FORM,
  mail: { types: MAIL_TYPES, read: (bytes) => ({ value: bytes, troubles: [] }) },
} satisfies Record<string, BodyKind>;

/** The name of a kind of body. */
export type BodyName = keyof typeof BODIES;

/** Reads the bytes of a body that is of this kind. @throws Problem */
export function readBody(kind: BodyName, bytes: Buffer): Reading | Promise<Reading> {
  return BODIES[kind].read(bytes);
}

/** A body without a single byte says nothing, as `{}` does. */
function readJsonOrNothing(bytes: Buffer): Reading {
  return bytes.length === 0 ? { value: {}, troubles: [] } : readJsonBody(bytes);
}

/** @throws Problem where the head says that a text is not in UTF-8: it would be read as another one. */
export function requireUtf8(contentType = ''): void {
  const { charset } = /;\s*charset\s*=\s*"?(?<charset>[^";\s]+)/i.exec(contentType)?.groups ?? {};
  if (charset === undefined || /^(?:utf-?8|us-ascii)$/i.test(charset)) return;
  throw new Problem('unsupported_media_type', {
    detail: `charset=${charset.slice(0, 50)} is not taken: send the body as UTF-8 (RFC 8259 §8.1).`,
  });
}
