import type { RequestHandler, Response } from 'express';
import {
  STEERABLE,
  viewOf,
  whyNot,
  type Notification,
  type Status,
} from '../../../shared/contracts/index.ts';
import type { Operated } from '../../../shared/store/index.ts';
import { SECOND } from '../../../shared/runtime/duration.ts';
import { Problem } from '../api/problem.ts';
import type { ProducerContext } from '../context.ts';
import { cancel, resolve, retry, type Steerer } from '../steering.ts';
import { actorOf } from './identity.ts';
import { formOf } from './forms.ts';
import { findNotification, render } from './pages.ts';
import { lookOf } from './presentation.ts';

/** What a person may do to one notification: asked once more on a page of its own, so that it works without scripts. */
interface Act {
  /** What becomes of the notification: the states in which it can be done hang on it. */
  done: keyof typeof STEERABLE;
  question: string;
  words: string;
  button: string;
  run: (context: ProducerContext, id: string, by: Steerer) => Promise<Operated>;
}

/** Every act, by the last part of its address. */
export const ACTS = {
  retry: {
    done: 'retried',
    question: 'Send this notification again?',
    words: 'It keeps its id and its Message-ID, and gets all of its retries again.',
    button: 'Retry this notification',
    run: retry,
  },
  cancel: {
    done: 'canceled',
    question: 'Take this notification back?',
    words: 'It is not sent any more. This cannot be undone.',
    button: 'Cancel this notification',
    run: cancel,
  },
  'mark-sent': {
    done: 'resolved',
    question: 'Did this notification reach its person?',
    words: 'Look at the provider first: nobody here knows. It is recorded as sent, and not sent again.',
    button: 'Mark as sent',
    run: (context, id, by) => resolve(context, id, 'sent', by),
  },
  'mark-failed': {
    done: 'resolved',
    question: 'Did this notification get lost?',
    words:
      'Look at the provider first: nobody here knows. It becomes a dead letter, which can be sent again.',
    button: 'Mark as failed',
    run: (context, id, by) => resolve(context, id, 'failed', by),
  },
} as const satisfies Record<string, Act>;

/** The last part of an act's address. */
export type ActName = keyof typeof ACTS;

/** The acts that a notification's state allows. */
export function actsFor(status: Status): ActName[] {
  return (Object.keys(ACTS) as ActName[]).filter((name) => allows(status, name));
}

function allows(status: Status, name: ActName): boolean {
  return (STEERABLE[ACTS[name].done] as readonly Status[]).includes(status);
}

/** Asks before it is done. */
export function confirmPage(context: ProducerContext, name: ActName): RequestHandler {
  return async function showConfirmation(request, response) {
    await askAbout(await findNotification(context, request), name, response);
  };
}

async function askAbout(record: Notification, name: ActName, response: Response): Promise<void> {
  const isPossible = allows(record.status, name);
  const { done, question, words, button } = ACTS[name];
  const title = `${question} · Tidings`;
  const view = { notification: viewOf(record), whyNot: whyNot(record.status, done, wordsOf) };
  const data = { title, question, words, button, act: name, isPossible, ...view };
  await render(response, 'confirm', data, isPossible ? 200 : 409);
}

function wordsOf(status: Status): string {
  return lookOf(status).words.toLowerCase();
}

/** A second answer to the same question within so long is a double click, in milliseconds. */
const DOUBLE_CLICK_MS = 10 * SECOND;

/**
 * Does it, and leads back to the notification. What was asked about must still be as it was then; where somebody else was quicker, says so,
 * and where it was this very person, leads back as well.
 */
export function actSubmit(context: ProducerContext, name: ActName): RequestHandler {
  return async function act(request, response) {
    const { seen } = formOf(request);
    const actor = actorOf(response);
    const { _id, updated_at } = await findNotification(context, request);
    const isAsAsked = seen === undefined || seen === updated_at.toISOString();
    const operated = isAsAsked ? await ACTS[name].run(context, _id, { actor }) : undefined;
    if (operated?.outcome !== 'done')
      refuseUnlessDoubled(await findNotification(context, request), name, actor);
    response.redirect(303, `/notifications/${encodeURIComponent(_id)}`);
  };
}

function refuseUnlessDoubled({ status, timeline }: Notification, name: ActName, actor: string): void {
  const isOurs = timeline.some(
    (entry) => entry.actor === actor && Date.now() - entry.at.getTime() < DOUBLE_CLICK_MS,
  );
  // What was accepted by the form counts as an entry of ours, too; one that nobody has touched since was not acted on.
  if (isOurs && timeline.length > 1) return;
  // Somebody else may have done it, and it may stand there once more.
  const why = allows(status, name) ? 'It has changed by now.' : whyNot(status, ACTS[name].done, wordsOf);
  throw new Problem('state_conflict', { detail: `${why} Nothing was changed.`, state: status });
}
