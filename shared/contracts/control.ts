import { z } from 'zod';
import type { Channel } from './channels.ts';

/** What an operator has switched, while it is on. Nothing is lost by any of them: what may not go on waits. */
export const controlSchema = z.object({
  /** What is switched: `channel:email` and `provider:smtp` are paused, `accepting` is stopped. */
  _id: z.string(),
  by: z.string(),
  reason: z
    .string()
    .trim()
    .min(1, { error: 'is required' })
    .max(200, { error: 'must have 200 characters or fewer' }),
  since: z.date(),
  /** It ends by itself then. */
  until: z.date().optional(),
});

/** What an operator has switched, while it is on. */
export type Control = z.output<typeof controlSchema>;

/** Nothing new is accepted while this is on, and what was accepted is delivered: the fleet drains. */
export const ACCEPTING = 'accepting';

/** What pauses a channel. */
export function pauseOfChannel(channel: Channel): string {
  return `channel:${channel}`;
}

/** What pauses a provider, in every channel that uses it. */
export function pauseOfProvider(provider: string): string {
  return `provider:${provider}`;
}

/** Minutes that a pause may be given: a week. */
const MAX_MINUTES = 10_080;

/** The body of POST /v1/controls/:id/pause. */
export const pauseRequestSchema = z
  .strictObject({
    reason: controlSchema.shape.reason.meta({
      description: 'Why; it stands on every page while this is paused',
      example: 'the provider moves',
    }),
    minutes: z
      .int({ error: 'must be a whole number of minutes' })
      .min(1, { error: 'must be at least 1' })
      .max(MAX_MINUTES, { error: `must be at most ${MAX_MINUTES}, a week` })
      .optional()
      .meta({
        description: 'It resumes by itself after so many minutes; without it, when somebody resumes it',
      }),
  })
  .meta({ id: 'PauseRequest' });

/** What somebody says of a pause. */
export type PauseRequest = z.output<typeof pauseRequestSchema>;

/**
 * How something that can be paused stands.
 *
 * | state | means |
 * |---|---|
 * | running, resuming | a channel or provider delivers, or will within seconds |
 * | pausing, paused | it finishes what it has begun; nothing is in flight any more |
 * | no_consumer | no process delivers by it |
 * | accepting | the fleet accepts notifications |
 * | draining, drained | the fleet accepts nothing and delivers what it has; nothing is undelivered any more |
 */
export const CONTROL_STATES = [
  'running',
  'resuming',
  'pausing',
  'paused',
  'no_consumer',
  'accepting',
  'draining',
  'drained',
] as const;

/** One of them. */
export type ControlState = (typeof CONTROL_STATES)[number];

/** Something that can be paused, as the API shows it. */
export const controlViewSchema = z
  .object({
    id: z.string().describe('channel:<type>, provider:<name>, or accepting'),
    state: z.enum(CONTROL_STATES),
    in_flight: z.int().describe('Deliveries that a provider has begun to take, some seconds ago'),
    processes: z.int().describe('Consumers that deliver by it'),
    concurrency_limit: z
      .int()
      .optional()
      .describe('Deliveries at once of one consumer, while the provider refuses more connections'),
    undelivered: z.int().optional().describe('With accepting: notifications that are pending or being sent'),
    paused_by: z.string().optional().describe('Another control that is paused, and pauses this as well'),
    by: z.string().optional().describe('Who paused it; with reason and since, present while it is paused'),
    reason: z.string().optional(),
    since: z.iso.datetime().optional(),
    until: z.iso.datetime().optional().describe('When it resumes by itself'),
  })
  .meta({ id: 'Control' });

/** Something that can be paused, as the API shows it. */
export type ControlView = z.output<typeof controlViewSchema>;

/** All of them. */
export const controlListSchema = z
  .object({ controls: z.array(controlViewSchema) })
  .meta({ id: 'ControlList' });
