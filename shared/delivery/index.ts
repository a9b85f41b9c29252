export { startChannelService } from './channel-service.ts';
export type { DeliveryChannel } from './channel.ts';
export { MAX_HOLD_MS, decide, type Decision, type DecisionContext, type Hop } from './decide.ts';
export { DeliveryLoop, type DeliveryLoopOptions } from './delivery-loop.ts';
export { Isolation } from './isolation.ts';
export { LaneSlots, laneLimit } from './lane-slots.ts';
export { publishPending } from './publish-pending.ts';
export type { Ambiguous, Deferred, Outcome, Permanent, Sent, Transient } from './outcome.ts';
