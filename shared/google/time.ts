import { codeOf, toError } from '../runtime/errors.ts';

/** How long something may take. */
export interface Time {
  signal: AbortSignal;
  /** Ends it as well, as long as nothing of it has gone out. */
  patience?: AbortSignal | undefined;
}

/** No answer came, or only a part of it. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
  readonly code: string;
  /** Whether a byte of the question may have reached the other side. */
  readonly mayHaveArrived: boolean;

  constructor(cause: unknown, mayHaveArrived: boolean) {
    super(toError(cause).message, { cause });
    this.code = codeOf(cause) ?? 'connection_lost';
    this.mayHaveArrived = mayHaveArrived;
  }
}

/** Somebody else is to be asked: the question was not on its way in time. */
export class Impatient extends Error {
  override readonly name = 'Impatient';
  readonly code = 'IMPATIENT';

  constructor() {
    super('it took too long, and there is another provider');
  }
}

/** The code of what we ended ourselves. Whether the other side was too slow, only who ended it knows. */
export const ABORTED = 'ABORT_ERR';

/** Why we ended it. */
export function timeUp(): Error {
  return Object.assign(new Error('the time was up'), { code: ABORTED });
}

/** Waits for what is done for many; who has no more time goes on without. @throws NoAnswer then. */
export async function inTime<T>(work: Promise<T>, { signal, patience }: Time): Promise<T> {
  const late = new Promise<never>((_, reject) => {
    const ends = [
      [signal, timeUp()],
      [patience, new Impatient()],
    ] as const;
    for (const [end, why] of ends)
      onAbort(end, () => {
        reject(new NoAnswer(why, false));
      });
  });
  return Promise.race([work, late]);
}

/** Does it when the signal aborts, or at once when it has. */
export function onAbort(signal: AbortSignal | undefined, act: () => void): void {
  if (signal?.aborted) act();
  else signal?.addEventListener('abort', act, { once: true });
}
