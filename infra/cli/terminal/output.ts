import { showsColour } from '../../local/supervisor/output.ts';
import { codeOf } from '../../../shared/runtime/errors.ts';
import { visible, visibleJson } from './visible.ts';

/** Colours by what they say. */
const COLOURS = { good: 32, wait: 33, bad: 31, faint: 90 } as const;

/** A piece of a line in a colour, where the terminal shows some. */
export interface Painted {
  text: string;
  colour: keyof typeof COLOURS;
}

/** A piece of a line. */
export type Piece = string | Painted;

/** A stream that lines go to: process.stdout and process.stderr. */
export type Stream = Pick<NodeJS.WritableStream, 'write' | 'on' | 'off'> & { isTTY?: boolean };

/**
 * The one way to the terminal. Data go to stdout, words to stderr; whatever is written has what a terminal would obey written out, so that
 * nobody's notification moves a cursor.
 */
export class Output {
  readonly #stdout: Stream;
  readonly #stderr: Stream;
  readonly #colours: { stdout: boolean; stderr: boolean };
  #isOpen = true;
  #isFull = false;
  #hasProgress = false;

  constructor(stdout: Stream, stderr: Stream, env: NodeJS.ProcessEnv) {
    this.#stdout = stdout;
    this.#stderr = stderr;
    this.#colours = { stdout: showsColour(stdout, env), stderr: showsColour(stderr, env) };
    for (const stream of [stdout, stderr])
      stream.on('error', (error: Error) => {
        // Whoever reads has had enough (`| head`). What acts goes on without being heard; what only shows looks at `isOpen`.
        if (codeOf(error) !== 'EPIPE') throw error;
        if (stream === stdout) this.#isOpen = false;
      });
  }

  /** Whether somebody still reads what is printed. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** A line of data. */
  print(...pieces: Piece[]): void {
    this.#toStdout(`${this.#painted(pieces, this.#colours.stdout)}\n`);
  }

  /** A line of data as JSON. */
  json(value: unknown): void {
    this.#toStdout(`${visibleJson(value)}\n`);
  }

  /** A line of words, beside the data. */
  say(...pieces: Piece[]): void {
    this.endProgress();
    this.#stderr.write(`${this.#painted(pieces, this.#colours.stderr)}\n`);
  }

  /** On a terminal a line that the next one replaces. Elsewhere nothing: who writes it says some of them instead. Answers whether it was shown. */
  progress(words: string): boolean {
    if (this.#stderr.isTTY !== true) return false;
    this.#stderr.write(`\r\u001b[2K${visible(words)}`);
    this.#hasProgress = true;
    return true;
  }

  /** The last line of progress stays. */
  endProgress(): void {
    if (this.#hasProgress) this.#stderr.write('\n');
    this.#hasProgress = false;
  }

  /** Resolves when what was printed has gone on, so that a slow reader does not fill the memory. */
  async drained(): Promise<void> {
    if (!this.#isFull || !this.#isOpen) return;
    await new Promise<void>((resolve) => {
      const events = ['drain', 'close', 'error'];
      const done = (): void => {
        for (const event of events) this.#stdout.off(event, done);
        resolve();
      };
      for (const event of events) this.#stdout.on(event, done);
    });
    this.#isFull = false;
  }

  #toStdout(text: string): void {
    if (this.#isOpen) this.#isFull = !this.#stdout.write(text);
  }

  #painted(pieces: readonly Piece[], colours: boolean): string {
    return pieces.map((piece) => paint(piece, colours)).join('');
  }
}

function paint(piece: Piece, colours: boolean): string {
  if (typeof piece === 'string') return visible(piece);
  const text = visible(piece.text);
  return colours ? `\u001b[${COLOURS[piece.colour]}m${text}\u001b[0m` : text;
}
