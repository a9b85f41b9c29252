/** How a command ended, for scripts: the exit code, and what it means. `--help` and docs/cli.md show this very table. */
export const EXITS = {
  done: { code: 0, meaning: 'done' },
  refused: { code: 1, meaning: 'refused by the API, or it ended in another state than sent or delivered' },
  usage: { code: 2, meaning: 'used wrongly: an option, a setting, a row or the file needs another value' },
  unreachable: { code: 3, meaning: 'the API cannot be reached, or was away or too busy for too long' },
  partly: { code: 4, meaning: 'done for some, and not for others' },
  denied: { code: 5, meaning: 'no key, a wrong one, or one that may not do this' },
  unfinished: { code: 6, meaning: 'waited for its end, and the time was over before' },
  interrupted: { code: 130, meaning: 'stopped by Ctrl-C; send --csv goes on with the same command' },
} as const satisfies Record<string, { code: number; meaning: string }>;

/** How a command ended. */
export type Exit = keyof typeof EXITS;

/** What ends a command early: words for people, and how it counts. */
export class CliError extends Error {
  override readonly name: string = 'CliError';
  readonly exit: Exit;
  /** What the API answered, for `--json`. */
  readonly body: unknown;

  constructor(exit: Exit, words: string, body?: unknown) {
    super(words);
    this.exit = exit;
    this.body = body;
  }
}

/** For what somebody has to say in another way. */
export function usageError(words: string): CliError {
  return new CliError('usage', words);
}

/** How many single acts count together: all went well, some, or none. */
export function exitOfMany(exits: readonly Exit[]): Exit {
  const [first = 'done'] = exits;
  if (exits.every((exit) => exit === first)) return first;
  return exits.includes('done') ? 'partly' : (exits.find((exit) => exit !== 'done') ?? 'done');
}
