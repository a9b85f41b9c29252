import { createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';

/** What a mail server does differently from others. */
export interface Peculiarity {
  /** Connections at once; one more is refused with 421 instead of a greeting. */
  connections?: number;
  /** Mails of one connection; then MAIL is answered with 451, and the connection stays open. */
  mailsPerConnection?: number;
  /** Extensions that EHLO offers. */
  extensions?: readonly string[];
  /** Answers to commands by their first word; undefined: nothing is answered. */
  answers?: Readonly<Record<string, string | undefined>>;
  /** How long a message takes to be accepted, in milliseconds. */
  acceptMs?: number;
}

/** A mail server that says what a test wants, and notes what it was told. */
export class PeculiarMailServer {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  peculiarity: Peculiarity;
  /** Mails taken. */
  taken = 0;
  /** Octets of each, on the wire, without the dots that transparency adds. */
  readonly sizes: number[] = [];
  /** Every command, but QUIT. */
  readonly commands: string[] = [];
  /** Connections so far, and those that were refused among them. */
  connections = 0;
  refused = 0;

  private constructor(peculiarity: Peculiarity) {
    this.peculiarity = peculiarity;
    this.#server = createServer((socket) => {
      this.#converse(socket);
    });
  }

  /** Starts one on a free port. */
  static async start(peculiarity: Peculiarity = {}): Promise<PeculiarMailServer> {
    const started = new PeculiarMailServer(peculiarity);
    await new Promise<void>((resolve) => started.#server.listen(0, '127.0.0.1', resolve));
    return started;
  }

  get url(): string {
    return `smtp://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #converse(socket: Socket): void {
    this.connections += 1;
    const { connections = Infinity } = this.peculiarity;
    socket.on('error', () => undefined);
    if (this.#sockets.size >= connections) {
      this.refused += 1;
      socket.end('421 4.7.0 too many connections from your host\r\n');
      return;
    }
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    const session = { mails: 0, isBody: false, octets: 0, hasSender: false };
    let read = '';
    socket.on('data', (bytes) => {
      read += bytes.toString('latin1');
      const lines = read.split('\r\n');
      read = lines.pop() ?? '';
      for (const line of lines) this.#hear(line, session, socket);
    });
    socket.write('220 peculiar ESMTP\r\n');
  }

  #hear(
    line: string,
    session: { mails: number; isBody: boolean; octets: number; hasSender: boolean },
    socket: Socket,
  ): void {
    const say = (text: string | undefined): void => {
      if (text !== undefined && socket.writable) socket.write(`${text}\r\n`);
    };
    if (session.isBody) {
      if (line !== '.') {
        session.octets += line.length + 2 - (line.startsWith('.') ? 1 : 0);
        return;
      }
      session.isBody = false;
      this.sizes.push(session.octets);
      session.mails += 1;
      this.taken += 1;
      setTimeout(say, this.peculiarity.acceptMs ?? 0, '250 2.0.0 taken');
      return;
    }
    const [command = ''] = line.split(' ');
    if (command !== 'QUIT') this.commands.push(line);
    const { answers = {}, extensions = [], mailsPerConnection = Infinity } = this.peculiarity;
    const isRefused = command === 'MAIL' && session.mails >= mailsPerConnection;
    if (command === 'MAIL') session.hasSender = !isRefused && !answers.MAIL?.startsWith('5');
    if (command in answers) say(answers[command]);
    else if (isRefused) say('451 4.5.3 too many messages in this session, reconnect');
    else if ((command === 'RCPT' || command === 'DATA') && !session.hasSender) say('503 5.5.1 no MAIL');
    else if (command === 'EHLO')
      say(
        ['peculiar', ...extensions]
          .map((name, at) => `250${at < extensions.length ? '-' : ' '}${name}`)
          .join('\r\n'),
      );
    else if (command === 'DATA') {
      Object.assign(session, { isBody: true, octets: 0 });
      say('354 go on');
    } else if (command === 'QUIT') socket.end('221 bye\r\n');
    else say('250 2.0.0 ok');
  }
}
