import type { Request, Response } from 'express';
import {
  CHANNEL_NAMES,
  LANES,
  fieldErrors,
  notificationRequestSchema,
  segmentsOf,
  type FieldError,
} from '../../../shared/contracts/index.ts';
import { newId } from '../../../shared/runtime/ids.ts';
import { AcceptingStopped } from '../accept/acceptor.ts';
import type { Ways } from '../accept/ways.ts';
import type { Received, Reception } from '../accept/reception.ts';
import type { ProducerContext } from '../context.ts';
import { actorOf } from './identity.ts';
import { MAIL_POLICY } from './notification.ts';
import { formOf } from './forms.ts';
import { render, renderForm } from './pages.ts';
import { instantOf } from './presentation.ts';

const FIELDS = [
  'user_id',
  'type',
  'email',
  'phone',
  'carrier',
  'via',
  'subject',
  'message',
  'html',
  'lane',
  'send_at',
  'expires_at',
] as const;

type Values = Partial<Record<(typeof FIELDS)[number], string>>;

/** The empty form. Its hidden key makes a double click one notification. */
export function sendForm({ admission }: ProducerContext) {
  return async function showSendForm(_request: Request, response: Response): Promise<void> {
    await showForm(response, admission.ways, { values: { type: 'email' }, key: newId(), errors: [] });
  };
}

/** Takes the form: to the notification's own page, or back with what is wrong beside the fields. */
export function sendSubmit(context: ProducerContext) {
  return async function acceptForm(request: Request, response: Response): Promise<void> {
    const form = formOf(request);
    const values = valuesOf(form);
    const key = typeof form.idempotency_key === 'string' ? form.idempotency_key.slice(0, 100) : newId();
    const parsed = notificationRequestSchema.safeParse(values);
    if (!parsed.success) {
      await showForm(response, context.admission.ways, { values, key, errors: fieldErrors(parsed.error) });
      return;
    }
    const received = await receiveUnlessDraining(context, parsed.data, {
      identity: { actor: actorOf(response), scopes: ['send'] },
      keyed: { key, body: values },
    });
    if (!('record' in received)) {
      // The key of what was changed after it had been sent would never work again.
      await showForm(response, context.admission.ways, { values, key: newId(), errors: errorsOf(received) });
      return;
    }
    response.redirect(303, `/notifications/${received.record._id}`);
  };
}

type NotReceived = Exclude<Received, { record: unknown }> | { outcome: 'draining' };

async function receiveUnlessDraining(
  { reception }: ProducerContext,
  ...given: Parameters<Reception['receive']>
): Promise<Received | NotReceived> {
  try {
    return await reception.receive(...given);
  } catch (thrown) {
    if (thrown instanceof AcceptingStopped) return { outcome: 'draining' };
    throw thrown;
  }
}

const DRAINING = 'is not accepted while an operator drains the fleet; send it again later';
const CHANGED = 'was changed after it had been sent; press Send again to send it too';

function errorsOf(received: NotReceived): FieldError[] {
  if (received.outcome === 'refused') return received.errors;
  if (received.outcome === 'forbidden') return [{ field: 'type', message: received.reason }];
  return [{ field: 'message', message: received.outcome === 'conflict' ? CHANGED : DRAINING }];
}

/** What the form makes, as its person will see it: for a frame beside it, with a policy of its own. Checks nothing, stores nothing. */
export function sendPreview({ config }: ProducerContext) {
  return async function showPreview(request: Request, response: Response): Promise<void> {
    const values = valuesOf(formOf(request));
    const segments = values.type === 'sms' ? segmentsOf(values.message ?? '') : undefined;
    response.set('content-security-policy', MAIL_POLICY);
    await render(response, 'preview', {
      values,
      segments,
      from: config.MAIL_FROM,
      sender: config.TWILIO_PHONE_NUMBER,
    });
  };
}

/** A form sends every field, also those that do not belong to the chosen type, and empty ones. */
function valuesOf(form: Record<string, unknown>): Values {
  const given = FIELDS.flatMap((field) => {
    const value = form[field];
    return typeof value === 'string' && value !== '' ? [[field, normalized(field, value)] as const] : [];
  });
  const values: Values = Object.fromEntries(given);
  if (values.type !== 'email') delete values.html;
  if (values.type !== 'sms') delete values.carrier;
  if (values.type === 'in_app') delete values.via;
  if (values.type === 'sms') delete values.email;
  if (values.type === 'email') delete values.phone;
  return values;
}

/** Browsers send line breaks as CR LF, and times without a zone. */
function normalized(field: string, value: string): string {
  if (field === 'send_at' || field === 'expires_at') return instantOf(value);
  return field === 'message' || field === 'html' ? value.replace(/\r\n/g, '\n') : value.trim();
}

interface Form {
  values: Values;
  key: string;
  errors: { field: string; message: string }[];
}

function showForm(response: Response, { carriers, providers }: Ways, form: Form): Promise<void> {
  const data = {
    title: 'Send a notification · Tidings',
    ...form,
    types: CHANNEL_NAMES,
    lanes: LANES,
    carriers,
    providers,
  };
  return renderForm(response, 'send-notification', data);
}
