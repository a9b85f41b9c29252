import { freePort } from '../../infra/local/ports.ts';
import { peerFolder, startPeerServer } from './peer-server.ts';
import { until } from './until.ts';

/** A mail as Mailpit has read it. */
export interface MailpitMail {
  ID: string;
  Subject: string;
  From: { Name: string; Address: string };
  To: { Name: string; Address: string }[];
  ReplyTo: { Name: string; Address: string }[];
  MessageID: string;
  ReturnPath: string;
  Text: string;
  HTML: string;
  Attachments: { PartID: string; FileName: string; ContentType: string; Size: number }[];
}

/** A Mailpit that runs. */
export interface Mailpit {
  smtpUrl: string;
  /** The one mail to this address, once it is there, with its headers. */
  mailTo: (address: string) => Promise<MailpitMail & { headers: Record<string, string[]> }>;
  /** The bytes of a part of a mail. */
  part: (mail: MailpitMail, partId: string) => Promise<Buffer>;
  /** Lets it answer at a stage of SMTP with an error; without one, as it should. */
  fail: (stage: 'Authentication' | 'Recipient' | 'Sender', errorCode?: number) => Promise<void>;
  stop: () => Promise<void>;
}

/** Starts one on loopback ports. */
export async function startMailpit(program: string): Promise<Mailpit> {
  const [smtp, http] = [await freePort(), await freePort()];
  const folder = peerFolder('mailpit');
  const ports = ['--smtp', `127.0.0.1:${smtp}`, '--listen', `127.0.0.1:${http}`];
  const quiet = [
    '--disable-version-check',
    '--enable-chaos',
    '--smtp-disable-rdns',
    '--smtp-strict-rfc-headers',
  ];
  const server = await startPeerServer({
    name: 'mailpit',
    folder,
    command: program,
    args: [...ports, ...quiet],
    ports: [smtp, http],
  });
  const api = async (path: string, init?: RequestInit): Promise<Response> => {
    const response = await fetch(`http://127.0.0.1:${http}/api/v1/${path}`, init);
    if (!response.ok) throw new Error(`Mailpit: ${path}: ${response.status} ${await response.text()}`);
    return response;
  };
  const json = async <T>(path: string): Promise<T> => (await (await api(path)).json()) as T;
  return {
    smtpUrl: `smtp://127.0.0.1:${smtp}`,
    mailTo: async (address) => {
      const query = encodeURIComponent(`to:"${address}"`);
      const id = await until(async () => {
        const { messages } = await json<{ messages: { ID: string }[] }>(`search?query=${query}`);
        return messages.length === 1 && messages[0]?.ID;
      });
      const [mail, headers] = await Promise.all([
        json<MailpitMail>(`message/${id}`),
        json<Record<string, string[]>>(`message/${id}/headers`),
      ]);
      return { ...mail, headers };
    },
    part: async ({ ID }, partId) =>
      Buffer.from(await (await api(`message/${ID}/part/${partId}`)).arrayBuffer()),
    fail: async (stage, ErrorCode) => {
      const trigger = { ErrorCode: ErrorCode ?? 451, Probability: ErrorCode === undefined ? 0 : 100 };
      await api('chaos', { method: 'PUT', body: JSON.stringify({ [stage]: trigger }) });
    },
    stop: () => server.stop(),
  };
}
