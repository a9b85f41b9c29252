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
