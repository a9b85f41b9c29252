import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';

/** A conversation with a mail server, line by line, for what a real client would hide. */
export interface Conversation {
  /** Sends a line (or none, for the greeting) and resolves with the lines of the reply; rejects when the connection ends first. */
  say: (line?: string) => Promise<string[]>;
  /** Sends without waiting for a reply. */
  write: (text: string) => void;
  close: () => void;
}

/** Opens a conversation on a port of this machine and reads the greeting. */
export async function converse(port: number): Promise<Conversation> {
  const socket = connect(port, '127.0.0.1');
  const lines = createInterface({ input: socket, crlfDelay: Infinity })[Symbol.asyncIterator]();
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  const conversation: Conversation = {
    say: async (line) => {
      if (line !== undefined) socket.write(`${line}\r\n`);
      const reply: string[] = [];
      while (!/^\d{3} /.test(reply.at(-1) ?? '')) {
        const next = await lines.next();
        if (next.done) throw new Error('the connection ended without a reply');
        reply.push(next.value);
      }
      return reply;
    },
    write: (text) => socket.write(text),
    close: () => socket.destroy(),
  };
  await conversation.say();
  return conversation;
}
