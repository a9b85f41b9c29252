import { SECOND } from '../../shared/runtime/duration.ts';
import type { Wish } from './history.ts';
import type { Random } from './random.ts';

/** People with an inbox; each gets many. */
const PEOPLE = 40;

/** One wish with the body that says it. */
export interface Item {
  wish: Wish;
  body: Record<string, unknown>;
  /** Whether it is canceled as soon as it is accepted. */
  toCancel: boolean;
  /** Whether its client repeats until it is answered, or leaves it at one try. */
  persistent: boolean;
}

/** The wish number `index` of a run: what, to whom, on which lane, when, and what its client does about it. */
export function itemOf(marker: string, index: number, random: Random): Item {
  const kind = random.next();
  const channel = kind < 0.4 ? 'in_app' : kind < 0.7 ? 'email' : 'sms';
  const luck = channel === 'in_app' ? 1 : random.next();
  const recipient = luck < 0.02 ? 'refused' : luck < 0.05 ? 'flaky' : 'fine';
  const wish: Wish = { marker, channel, recipient };
  const lane = random.next() < 0.2 ? 'bulk' : 'transactional';
  const isLater = random.next() < 0.02;
  return {
    wish,
    toCancel: random.next() < 0.02,
    persistent: random.next() >= 0.1,
    body: {
      type: channel,
      lane,
      ...(isLater && { send_at: new Date(Date.now() + 8 * SECOND).toISOString() }),
      ...contentOf(wish, index),
    },
  };
}

function contentOf({ marker, channel, recipient }: Wish, index: number): Record<string, string> {
  if (channel === 'in_app') return { user_id: personOf(marker.split('-')[0] ?? '', index), message: marker };
  if (channel === 'email') {
    const local = { fine: 'ada', flaky: 'flaky', refused: 'bounce' }[recipient];
    return { user_id: 'u', email: `${local}+${index}@example.org`, subject: marker, message: 'Chaos' };
  }
  const own = `+1202555${String(1000 + (index % 9000))}`;
  const phone = { fine: own, flaky: '+15005550101', refused: '+15005550002' }[recipient];
  return { user_id: 'u', phone, message: marker };
}

function personOf(run: string, index: number): string {
  return `${run}-p${index % PEOPLE}`;
}

/** Everybody whose inbox a run fills. */
export function peopleOf(run: string): string[] {
  return Array.from({ length: PEOPLE }, (_, index) => personOf(run, index));
}
