import { EXCHANGES } from '../../../../shared/broker/index.ts';
import {
  CHANNEL_NAMES,
  REQUESTED,
  notificationRequestSchema,
  requestedPropertiesSchema,
} from '../../../../shared/contracts/index.ts';
import type { AsyncApiPart } from './document.ts';
import { schemaRef, schemasOf } from './schemas.ts';

const BINDING_VERSION = '0.3.0';
const MESSAGE = 'notificationRequested';
const BINDINGS = {
  amqp: {
    is: 'routingKey',
    exchange: { name: EXCHANGES.requests, type: 'topic', durable: true, autoDelete: false },
    bindingVersion: BINDING_VERSION,
  },
};
const MESSAGE_REF = { $ref: `#/components/messages/${MESSAGE}` };

/** The requests of other services. */
export function requestsPart(): AsyncApiPart {
  return {
    servers: { rabbitmq: SERVER },
    channels: {
      requests: {
        address: REQUESTED,
        description: 'Of any channel. Publish persistent and mandatory, and wait for the confirm.',
        messages: { [MESSAGE]: MESSAGE_REF },
        bindings: BINDINGS,
      },
      requestsOfOneChannel: {
        address: `${REQUESTED}.{channel}`,
        description: 'For a sender whose RabbitMQ user may send by one channel only.',
        parameters: { channel: { enum: CHANNEL_NAMES, description: 'The type of the notification' } },
        messages: { [MESSAGE]: MESSAGE_REF },
        bindings: BINDINGS,
      },
    },
    operations: {
      acceptRequest: receiving('requests'),
      acceptRequestOfOneChannel: receiving('requestsOfOneChannel'),
    },
    messages: { [MESSAGE]: message() },
    schemas: { ...schemasOf(notificationRequestSchema), ...schemasOf(requestedPropertiesSchema) },
  };
}

/** Which one it is, only whoever runs the fleet tells. */
const SERVER = {
  host: '{host}',
  protocol: 'amqp',
  description: 'The RabbitMQ of the fleet; amqps outside of one machine',
  variables: { host: { default: 'localhost:5672', description: 'Its address and port' } },
};

function receiving(channel: string): object {
  return {
    action: 'receive',
    channel: { $ref: `#/channels/${channel}` },
    summary: 'Accepts a notification as POST /v1/notifications does, or parks it with the reasons',
    messages: [{ $ref: `#/channels/${channel}/messages/${MESSAGE}` }],
    bindings: { amqp: { deliveryMode: 2, mandatory: true, ack: true, bindingVersion: BINDING_VERSION } },
  };
}

function message(): object {
  return {
    name: REQUESTED,
    title: 'A notification to send',
    summary: 'The body is that of POST /v1/notifications; the idempotency key is the property message_id.',
    contentType: 'application/json',
    payload: schemaRef('NotificationRequest'),
    bindings: { amqp: { contentEncoding: 'utf-8', messageType: REQUESTED, bindingVersion: BINDING_VERSION } },
    // AsyncAPI has headers, and no word for the properties of AMQP.
    'x-amqp-properties': schemaRef('RequestedProperties'),
    examples: CHANNEL_NAMES.map((type) => ({ name: type, payload: EXAMPLES[type] })),
  };
}

/** One of each channel. */
const EXAMPLES: Record<(typeof CHANNEL_NAMES)[number], object> = {
  email: { user_id: 'u1', type: 'email', email: 'a@example.org', subject: 'Hi', message: 'Hello' },
  sms: { user_id: 'u1', type: 'sms', phone: '+12025550123', message: 'Your code is 123456' },
  in_app: { user_id: 'u1', type: 'in_app', message: 'Hello', data: { order: 7 } },
};
