import type { Delivery } from '../../../shared/broker/index.ts';
import {
  MAX_BODY_BYTES,
  REQUEST_KEYS,
  fieldErrors,
  notificationRequestSchema,
  requestedPropertiesSchema,
  type FieldError,
  type NotificationRequest,
} from '../../../shared/contracts/index.ts';
import type { Handover } from '../accept/reception.ts';
import { parseJsonBody } from '../api/json-body.ts';
import { Problem } from '../api/problem.ts';

/** A request of another service, read and valid. */
export interface Requested {
  request: NotificationRequest;
  handover: Required<Pick<Handover, 'identity' | 'keyed'>>;
}

/** Who sends, as far as it is known: a user of RabbitMQ, or whoever does not say. On timelines; idempotency keys belong to it. */
export function senderOf({ properties }: Pick<Delivery, 'properties'>): string {
  const { userId } = properties;
  return typeof userId === 'string' && userId !== '' ? `amqp:${userId}` : 'amqp';
}

/** Reads a message as a request: what the API would refuse is refused in the same words. @throws Problem with all that is wrong. */
export function readRequested(delivery: Delivery): Requested {
  const { body, routingKey } = delivery;
  if (body.length > MAX_BODY_BYTES)
    throw new Problem('body_too_large', {
      detail: `${body.length} bytes, and ${MAX_BODY_BYTES} are the most`,
    });
  const properties = requestedPropertiesSchema.safeParse(propertiesOf(delivery));
  const scope = REQUEST_KEYS.get(routingKey);
  const rawBody = parseJsonBody(body);
  const request = notificationRequestSchema.safeParse(rawBody);
  if (scope === undefined || !properties.success || !request.success)
    throw new Problem('validation_failed', {
      errors: [
        ...(scope === undefined ? [unknownKey(routingKey)] : []),
        ...(properties.error ? fieldErrors(properties.error).map(ofProperties) : []),
        ...(request.error ? fieldErrors(request.error) : []),
      ],
    });
  return {
    request: request.data,
    handover: {
      identity: { actor: senderOf(delivery), scopes: [scope] },
      keyed: { key: properties.data.message_id, body: rawBody },
    },
  };
}

/** By the names that AMQP gives them. */
function propertiesOf({ properties }: Delivery): Record<string, unknown> {
  const { messageId, userId, type, contentType, contentEncoding } = properties;
  return {
    message_id: messageId,
    user_id: userId,
    type,
    content_type: contentType,
    content_encoding: contentEncoding,
  };
}

function ofProperties({ field, message }: FieldError): FieldError {
  return { field: `properties.${field}`, message };
}

function unknownKey(key: string): FieldError {
  return {
    field: 'routing_key',
    message: `must be one of ${[...REQUEST_KEYS.keys()].join(', ')}; is ${key}`,
  };
}
