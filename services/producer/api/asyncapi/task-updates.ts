import {
  LAST_EVENT_ID,
  TASK_UPDATE,
  UPDATES_MISSED,
  taskUpdateSchema,
  updatesMissedSchema,
} from '../../../../shared/contracts/index.ts';
import type { AsyncApiPart } from './document.ts';
import { schemaRef, schemasOf } from './schemas.ts';

const UPDATED = 'taskUpdated';
const MISSED = 'taskUpdatesMissed';
/** On the event stream an id in an object, for some clients pass over an id alone; on a socket a string. */
const MARKS = { stream: 'streamPlace', socket: 'socketPlace' };

const STANDS = 'Where the listener stands';
const ID = { type: 'string', examples: ['42'] };

/** The streams of task updates: by server-sent events, and by Socket.IO. */
export function taskUpdatesPart(): AsyncApiPart {
  return {
    servers: { producer: SERVER },
    channels: {
      taskUpdates: {
        address: '/task_updates',
        description:
          'Server-sent events. Authorization: Bearer … with the scope read; Last-Event-ID goes on behind an update.',
        servers: [{ $ref: '#/servers/producer' }],
        messages: refsTo([UPDATED, MISSED, MARKS.stream]),
        bindings: { http: { bindingVersion: '0.3.0' } },
      },
      taskUpdateSockets: {
        address: '/socket.io/',
        description:
          'Socket.IO: the key in auth.token, and the id to go on behind in auth.last_event_id. The name of a message is that of its event.',
        servers: [{ $ref: '#/servers/producer' }],
        messages: refsTo([UPDATED, MISSED, MARKS.socket]),
      },
    },
    operations: {
      streamTaskUpdates: sending('taskUpdates', [UPDATED, MISSED, MARKS.stream]),
      emitTaskUpdates: sending('taskUpdateSockets', [UPDATED, MISSED, MARKS.socket]),
    },
    messages: {
      [UPDATED]: message(TASK_UPDATE, 'A task was updated', schemaRef('TaskUpdate')),
      [MISSED]: message(
        UPDATES_MISSED,
        'Updates between these are no longer kept',
        schemaRef('TaskUpdatesMissed'),
      ),
      [MARKS.stream]: message(LAST_EVENT_ID, STANDS, {
        type: 'object',
        properties: { id: ID },
        required: ['id'],
      }),
      [MARKS.socket]: message(LAST_EVENT_ID, STANDS, ID),
    },
    schemas: { ...schemasOf(taskUpdateSchema), ...schemasOf(updatesMissedSchema) },
  };
}

const SERVER = {
  host: '{host}',
  protocol: 'http',
  description: 'A producer of the fleet; https outside of one machine',
  variables: { host: { default: 'localhost:3000', description: 'Its address and port' } },
};

function refsTo(names: readonly string[]): object {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/messages/${name}` }]));
}

function sending(channel: string, names: readonly string[]): object {
  return {
    action: 'send',
    channel: { $ref: `#/channels/${channel}` },
    summary: 'Tells of each update of a task, in order and without a gap',
    messages: names.map((name) => ({ $ref: `#/channels/${channel}/messages/${name}` })),
  };
}

function message(name: string, summary: string, payload: object): object {
  return { name, summary, contentType: 'application/json', payload };
}
