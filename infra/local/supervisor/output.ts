const COLOURS = [36, 35, 33, 32, 34, 96, 95, 93, 92];
const RED = 31;

/** Where lines go. */
export interface Output {
  /** A line of our own. */
  say(words: string): void;
  /** A line of our own about a trouble. */
  warn(words: string): void;
  /** A piece of what a process wrote; cut into lines, each behind its name. */
  from(name: string, chunk: string): void;
}

/** Whether a stream shows colours: a terminal, unless NO_COLOR says otherwise (no-color.org). */
export function showsColour(stream: { isTTY?: boolean }, env: NodeJS.ProcessEnv = process.env): boolean {
  return stream.isTTY === true && (env.NO_COLOR ?? '') === '';
}

/** Writes every line behind the name of its process, in a column of fixed width. */
export function createOutput(
  write: (text: string) => void,
  names: readonly string[],
  colour: boolean,
): Output {
  const width = Math.max(...names.map((name) => name.length));
  const paint = (code: number, text: string): string => (colour ? `\u001B[${code}m${text}\u001B[0m` : text);
  const prefix = (name: string): string => {
    const code = COLOURS[Math.max(0, names.indexOf(name)) % COLOURS.length] ?? 0;
    return paint(code, `${name.padEnd(width)} |`);
  };
  const unfinished = new Map<string, string>();
  return {
    say: (words) => {
      write(`${words}\n`);
    },
    warn: (words) => {
      write(`${paint(RED, words)}\n`);
    },
    from: (name, chunk) => {
      const lines = `${unfinished.get(name) ?? ''}${chunk}`.split('\n');
      unfinished.set(name, lines.pop() ?? '');
      for (const line of lines) write(`${prefix(name)} ${line}\n`);
    },
  };
}
