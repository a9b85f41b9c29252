export { Broker, type BrokerOptions } from './broker.ts';
export { BrokerConnection, connectTo } from './connection.ts';
export { closeChannel, settleAcknowledgements } from './close-channel.ts';
export { Consumer, type ConsumerOptions, type Delivery } from './consumer.ts';
export { EventsListener, publishChanges, publishTasksUpdated } from './events.ts';
export { headerText, publishDead, publishDue, publishParked, publishRetry, type Hintable } from './hints.ts';
export { auditPolicies, ManagementApi, policyCheck, type QueueFigures } from './management.ts';
export { PublishError, Publisher, type Outgoing, type PublishFailure } from './publisher.ts';
export { BROKER_USERS, type BrokerUser, type TopicRight } from './rights.ts';
export { Slots } from './slots.ts';
export {
  DEAD_LETTER_QUEUE,
  EXCHANGES,
  PARKING_QUEUE,
  REQUESTS_QUEUE,
  routingKey,
  topologyOf,
  waitQueue,
  workQueue,
  type Topology,
} from './topology.ts';
