import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import type { LookupFunction } from 'node:net';
import { API_KEY } from './fleet.ts';

/** Every name is this machine. */
const toLoopback: LookupFunction = (_name, options, callback) => {
  if (options.all === true) callback(null, [{ address: '127.0.0.1', family: 4 }]);
  else callback(null, '127.0.0.1', 4);
};

/** What comes back through a proxy that ends TLS. */
export interface ProxiedAnswer {
  status: number;
  headers: IncomingMessage['headers'];
  text: string;
}

/** A client of an https address of a test, whose name leads to this machine and whose authority it trusts. */
export class ProxiedClient {
  readonly address: string;
  readonly agent: Agent;

  /** `localAddress`: where it comes from, another address of the loopback network for another client. */
  constructor(address: string, authority: string, localAddress = '127.0.0.1') {
    this.address = address;
    this.agent = new Agent({ ca: readFileSync(authority), lookup: toLoopback, localAddress });
  }

  /** Calls; resolves with the head, and the body still to come. */
  open(
    method: string,
    path: string,
    { body, headers = {} }: { body?: string; headers?: Record<string, string> } = {},
  ): Promise<IncomingMessage> {
    const own = {
      authorization: `Bearer ${API_KEY}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
    };
    return new Promise((resolve, reject) => {
      const url = new URL(path, this.address);
      const call = request(url, { method, agent: this.agent, headers: { ...own, ...headers } }, resolve);
      call.once('error', reject).end(body);
    });
  }

  /** Calls, and reads the whole answer. */
  async call(...given: Parameters<ProxiedClient['open']>): Promise<ProxiedAnswer> {
    const response = await this.open(...given);
    let text = '';
    for await (const chunk of response.setEncoding('utf8')) text += String(chunk);
    return { status: response.statusCode ?? 0, headers: response.headers, text };
  }
}
