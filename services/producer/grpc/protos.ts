import { join } from 'node:path';
import { loadSync, type MessageTypeDefinition, type MethodDefinition } from '@grpc/proto-loader';
import { PROJECT_ROOT } from '../../../shared/runtime/project-root.ts';

/** The standard health service among them, so that reflection describes it, too. */
const FILES = ['scheduler.proto', 'error-details.proto', 'health.proto'].map((name) =>
  join(PROJECT_ROOT, 'shared/contracts', name),
);

/** Name of the service, as clients and the health service call it. */
export const SCHEDULER = 'tidings.v1.Scheduler';

/** Name of the standard health service. */
export const HEALTH = 'grpc.health.v1.Health';

/** All that is said by gRPC. An int64 comes as a string, for a JavaScript number would lose digits of it. */
export const DEFINITIONS = loadSync(FILES, { keepCase: true, longs: String, defaults: true });

/** The service. */
export const schedulerService = DEFINITIONS[SCHEDULER] as Record<
  'ScheduleMeet' | 'CancelMeet',
  MethodDefinition<object, object>
>;

/** Writes a message of google.rpc. */
export function encode(type: 'Status' | 'BadRequest' | 'RetryInfo', value: object): Buffer {
  return (DEFINITIONS[`google.rpc.${type}`] as MessageTypeDefinition<object, object>).serialize(value);
}
