/** Where the SMS provider reports what became of a message, under the address of the producer. */
export const STATUS_CALLBACK_PATH = '/v1/callbacks/twilio/status';

/** The settings that say where that is. */
interface CallbackSettings {
  TWILIO_STATUS_CALLBACK_URL?: string | undefined;
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
