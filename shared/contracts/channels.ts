/**
 * What the fleet knows about a channel without knowing its provider. Adding a channel: a line here, and its folder in services/.
 * `recipient` is the field that says where it goes; without one the `user_id` does. `inbox`: people read it in their list.
 */
export const CHANNELS = {
  email: { recipient: 'email', inbox: false, max_message_chars: 500_000 },
  sms: { recipient: 'phone', inbox: false, max_message_chars: 1_600 },
  in_app: { recipient: undefined, inbox: true, max_message_chars: 100_000 },
} as const satisfies Record<
  string,
  { recipient: 'email' | 'phone' | undefined; inbox: boolean; max_message_chars: number }
>;

/** The name of a channel, which is also the `type` of a notification. */
export type Channel = keyof typeof CHANNELS;

/** Every channel, in the order in which lists show them. */
export const CHANNEL_NAMES = Object.keys(CHANNELS) as [Channel, ...Channel[]];

/** The two lanes of a channel; `transactional` never waits behind `bulk`. */
export const LANES = ['transactional', 'bulk'] as const;

/** One of the two lanes. */
export type Lane = (typeof LANES)[number];
