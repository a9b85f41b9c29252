import type { Request, RequestHandler, Response } from 'express';
import { z } from 'zod';
import {
  SCOPES,
  fieldErrors,
  keyRequestSchema,
  keyViewOf,
  rotateRequestSchema,
  type FieldError,
} from '../../../shared/contracts/index.ts';
import { HOUR, SECOND } from '../../../shared/runtime/duration.ts';
import { newKeyId, type IssuedKey } from '../access/api-keys.ts';
import { noSuchKey } from '../api/keys.ts';
import { Problem } from '../api/problem.ts';
import type { ProducerContext } from '../context.ts';
import { formOf } from './forms.ts';
import { actorOf } from './identity.ts';
import { givenFields, renderForm } from './pages.ts';
import { instantOf } from './presentation.ts';

/** How long the old secret may work on after a rotation, in seconds, as the page offers it. */
const GRACES = { 'in an hour': HOUR / SECOND, 'in a day': (24 * HOUR) / SECOND, 'at once': 0 };

/** The id that the form brings for a new key. */
const KEY_ID = z.string().regex(/^[0-9a-f]{12}$/);
/** For a form that was sent twice. */
const MADE_BEFORE: FieldError = {
  field: 'name',
  message: 'is of a key that was just made; its secret was shown once',
};

/** What the page shows beyond the keys. */
interface Shown {
  errors: FieldError[];
  values: Record<string, unknown>;
  /** One that was just made or rotated: its secret is shown this once. */
  issued?: { name: string; key: string };
}

/** The keys of the API, for admins. */
export function keysPage(context: ProducerContext): RequestHandler {
  return async function showKeys(_request, response) {
    await show(context, response, { errors: [], values: {} });
  };
}

/** Makes a key, and shows it once. */
export function keySubmit(context: ProducerContext): RequestHandler {
  return async function makeKey(request, response) {
    const values = formOf(request);
    const parsed = keyRequestSchema.safeParse(requestOf(values));
    if (!parsed.success) {
      await show(context, response, { errors: fieldErrors(parsed.error).map(byName), values });
      return;
    }
    const id = KEY_ID.safeParse(values.id).data;
    const issued = await context.keys.make(parsed.data, actorOf(response), id);
    if (issued) await showIssued(context, response, issued);
    else await show(context, response, { errors: [MADE_BEFORE], values: {} });
  };
}

/** Gives a key another secret, and shows it once. */
export function keyRotateSubmit(context: ProducerContext): RequestHandler {
  return async function rotateKey(request, response) {
    const { grace, seen } = formOf(request);
    const parsed = rotateRequestSchema.safeParse({ grace_seconds: Number(grace) });
    if (!parsed.success) throw new Problem('validation_failed', { errors: fieldErrors(parsed.error) });
    const order = { graceSeconds: parsed.data.grace_seconds, seen: instantSeen(seen) };
    const issued = await context.keys.rotate(idOf(request), order, actorOf(response));
    // Sent twice, the second one would end the secret that was just shown.
    if (!issued) throw noSuchKey();
    await showIssued(context, response, issued);
  };
}

/** Ends a key for good. */
export function keyRevokeSubmit(context: ProducerContext): RequestHandler {
  return async function revokeKey(request, response) {
    if (!(await context.keys.revoke(idOf(request), actorOf(response)))) throw noSuchKey();
    response.redirect(303, '/keys');
  };
}

/** When a key was last rotated, as the page has shown it; null: never. */
function instantSeen(seen: unknown): Date | null {
  return typeof seen === 'string' && seen !== '' ? new Date(seen) : null;
}

function idOf({ params }: Request): string {
  return String(params.id);
}

/** A form sends texts; what is empty was not given. */
function requestOf(form: Record<string, unknown>): object {
  const { name, expires_at, allow_from, per_second, bytes_per_second } = givenFields(form, [
    'name',
    'expires_at',
    'allow_from',
    'per_second',
    'bytes_per_second',
  ]);
  return {
    name,
    scopes: [form.scopes ?? []].flat(),
    ...(expires_at !== undefined && { expires_at: instantOf(expires_at) }),
    ...(allow_from !== undefined && { allow_from: allow_from.split(/[\s,]+/).filter(Boolean) }),
    ...(per_second !== undefined && { per_second: Number(per_second) }),
    ...(bytes_per_second !== undefined && { bytes_per_second: Number(bytes_per_second) }),
  };
}

/** Of a list, one field of the form holds all items. */
function byName({ field, message }: FieldError): FieldError {
  return { field: field.split('.')[0] ?? field, message };
}

function showIssued(context: ProducerContext, response: Response, { record, key }: IssuedKey): Promise<void> {
  return show(context, response, { errors: [], values: {}, issued: { name: record.name, key } });
}

async function show({ keys }: ProducerContext, response: Response, shown: Shown): Promise<void> {
  const all = (await keys.all()).map(keyViewOf);
  const page = {
    title: 'Keys · Tidings',
    keys: all,
    scopes: SCOPES,
    graces: GRACES,
    issued: undefined,
    // So that a form that is sent twice makes one key.
    newId: newKeyId(),
    ...shown,
  };
  await renderForm(response, 'keys', page);
}
