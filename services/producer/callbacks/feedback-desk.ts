import type { Feedback } from '../../../shared/contracts/index.ts';
import type { Logger } from '../../../shared/runtime/logger.ts';
import {
  hearFeedback,
  noteUnreadReport,
  type FeedbackStores,
  type Heard,
} from '../../../shared/store/index.ts';

/** Where all feedback comes in, by whichever way. */
export class FeedbackDesk {
  readonly #stores: FeedbackStores;
  readonly #log: Logger;

  constructor({ log, ...stores }: FeedbackStores & { log: Logger }) {
    this.#stores = stores;
    this.#log = log;
  }

  /** Hears it; what becomes of it is in the store when this resolves. */
  async hear(feedback: Feedback): Promise<Heard> {
    const heard = await hearFeedback(this.#stores, feedback);
    const { notification_id: id, status, actor, code } = feedback;
    // That all is well is said as seldom as of what was sent.
    const level = heard === 'moved' && status === 'delivered' ? 'debug' : 'info';
    this.#log[level]('feedback', { id, status, actor, heard, ...(code !== undefined && { code }) });
    return heard;
  }

  /** Notes on a notification that a mail came back that was not understood. */
  async noteUnread(id: string, why: string): Promise<void> {
    await noteUnreadReport(this.#stores.notifications, id, why);
  }
}
