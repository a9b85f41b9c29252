import { PublishError, publishDue, type Hintable, type Publisher } from '../broker/index.ts';
import { clearUnpublished, type Notifications } from '../store/index.ts';

/**
 * Publishes records that are due, and notes which ones RabbitMQ confirmed. Answers how many. What was not confirmed stays marked, and the
 * relay publishes it later; a copy too many is refused by the claim.
 */
export async function publishPending(
  publisher: Publisher,
  notifications: Notifications,
  records: readonly Hintable[],
  options: { late?: boolean } = {},
): Promise<number> {
  const confirmed = await publishConfirmed(publisher, records);
  await clearUnpublished(notifications, confirmed, options);
  return confirmed.length;
}

/** Publishes records that are due; answers those whose message RabbitMQ confirmed. */
export async function publishConfirmed<T extends Hintable>(
  publisher: Publisher,
  records: readonly T[],
): Promise<T[]> {
  const confirmed = await Promise.all(records.map((record) => confirm(publisher, record)));
  return records.filter((_, index) => confirmed[index]);
}

/**
 * Publishes for what a sweep finds, batch by batch; answers how many RabbitMQ confirmed. It stops with the first batch that it does not
 * confirm whole: the next pass finds the rest again.
 */
export async function publishEach(
  publisher: Publisher,
  batches: AsyncIterable<readonly Hintable[]>,
): Promise<number> {
  let published = 0;
  for await (const batch of batches) {
    const confirmed = await publishConfirmed(publisher, batch);
    published += confirmed.length;
    if (confirmed.length < batch.length) break;
  }
  return published;
}

async function confirm(publisher: Publisher, record: Hintable): Promise<boolean> {
  try {
    await publishDue(publisher, record);
    return true;
  } catch (thrown) {
    if (thrown instanceof PublishError) return false;
    throw thrown;
  }
}
