/** Where the SMS provider reports what became of a message, under the address of the producer. */
export const STATUS_CALLBACK_PATH = '/v1/callbacks/twilio/status';

/** Where the SMS provider hands in texts of recipients, such as STOP, under the address of the producer. */
export const INBOUND_PATH = '/v1/callbacks/twilio/inbound';

/** The settings that say where that is. */
interface CallbackSettings {
  TWILIO_STATUS_CALLBACK_URL?: string | undefined;
  TWILIO_INBOUND_URL?: string | undefined;
  PUBLIC_URL?: string | undefined;
}

/**
 * The address that the provider is given, without the notification; undefined where there is none. A PUBLIC_URL without https is that of a
 * trial, which nobody outside reaches.
 */
export function statusCallbackUrl({
  TWILIO_STATUS_CALLBACK_URL,
  PUBLIC_URL,
}: CallbackSettings): string | undefined {
  if (TWILIO_STATUS_CALLBACK_URL !== undefined)
    return TWILIO_STATUS_CALLBACK_URL === 'off' ? undefined : TWILIO_STATUS_CALLBACK_URL;
  return PUBLIC_URL?.startsWith('https:') ? new URL(STATUS_CALLBACK_PATH, PUBLIC_URL).href : undefined;
}

/** The same for one notification: by its id the callback finds its record, even where the answer to the hand-over was lost. */
export function statusCallbackFor(base: string, notificationId: string): string {
  const url = new URL(base);
  url.searchParams.set('id', notificationId);
  return url.href;
}

/**
 * The address that a Twilio number is configured with for incoming messages; undefined where there is none. Without a setting of its own it
 * lies beside the one for status callbacks.
 */
export function inboundUrl(settings: CallbackSettings): string | undefined {
  if (settings.TWILIO_INBOUND_URL !== undefined) return settings.TWILIO_INBOUND_URL;
  const { PUBLIC_URL, TWILIO_STATUS_CALLBACK_URL: status } = settings;
  const base = statusCallbackUrl(status === 'off' ? { PUBLIC_URL } : settings);
  if (base === undefined) return undefined;
  const url = new URL(base);
  if (!url.pathname.endsWith(STATUS_CALLBACK_PATH)) return undefined;
  url.pathname = `${url.pathname.slice(0, -STATUS_CALLBACK_PATH.length)}${INBOUND_PATH}`;
  return url.href;
}
