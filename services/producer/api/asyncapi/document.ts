import { requestsPart } from './requests.ts';
import type { Schemas } from './schemas.ts';
import { taskUpdatesPart } from './task-updates.ts';

/** What one door that is no plain HTTP adds to the document: each an object of AsyncAPI 3.0 by its name. */
export interface AsyncApiPart {
  servers: Record<string, object>;
  channels: Record<string, object>;
  /** Seen from the fleet: it receives what others publish. */
  operations: Record<string, object>;
  messages: Record<string, object>;
  schemas: Schemas;
}

/** Makes the AsyncAPI 3.0 document of what goes in and out by messages, from the very schemas that validate them. */
export function asyncApi(parts: readonly AsyncApiPart[] = [requestsPart(), taskUpdatesPart()]): object {
  const all = (key: keyof AsyncApiPart): object =>
    Object.assign({}, ...parts.map((part) => part[key])) as object;
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Tidings',
      version: '1',
      description: 'Hand over a notification by a message. The API over HTTP is in /openapi.json.',
      license: { name: 'MIT' },
    },
    defaultContentType: 'application/json',
    servers: all('servers'),
    channels: all('channels'),
    operations: all('operations'),
    components: { messages: all('messages'), schemas: all('schemas') },
  };
}
